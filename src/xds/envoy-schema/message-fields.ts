import type { DescField } from '@bufbuild/protobuf';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';

/** Reads by proto names, for checks that know the message they look at. */
export function fieldOf(message: ReflectMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (!field) throw new Error(`${message.desc.typeName} has no field ${name}`);
  return field;
}

/** The text of a string field; empty where it is not set. */
export function textOf(message: ReflectMessage, name: string): string {
  const field = fieldOf(message, name);
  const value: unknown = message.isSet(field) ? message.get(field) : '';
  return typeof value === 'string' ? value : '';
}

/** The number of a numeric, enum or wrapped number field; undefined where it is not set. */
export function numberOf(message: ReflectMessage, name: string): number | undefined {
  const field = fieldOf(message, name);
  if (!message.isSet(field)) return undefined;
  const value: unknown = message.get(field);
  if (typeof value === 'number') return value;
  return isMessage(value) ? numberOf(value, 'value') : undefined;
}

/** The message in a field; undefined where it is not set. */
export function childOf(message: ReflectMessage, name: string): ReflectMessage | undefined {
  const field = fieldOf(message, name);
  const value: unknown = message.isSet(field) ? message.get(field) : undefined;
  return isMessage(value) ? value : undefined;
}

/** The messages of a repeated field. */
export function childrenOf(message: ReflectMessage, name: string): readonly ReflectMessage[] {
  const value: unknown = message.get(fieldOf(message, name));
  return isIterable(value) ? [...value].filter(isMessage) : [];
}

/** The texts of a repeated string field. */
export function textsOf(message: ReflectMessage, name: string): readonly string[] {
  const value: unknown = message.get(fieldOf(message, name));
  return isIterable(value) ? [...value].filter((item): item is string => typeof item === 'string') : [];
}

export const isSet = (message: ReflectMessage, name: string): boolean => message.isSet(fieldOf(message, name));

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

const isMessage = (value: unknown): value is ReflectMessage =>
  typeof value === 'object' && value !== null && 'desc' in value;
