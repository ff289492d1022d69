import { type JsonValue, type Message, type DescMessage, type Registry, toJson } from '@bufbuild/protobuf';
import type { JsonObject } from './resource.js';

/** Canonical proto3 JSON of a message: snake_case, fields in the order of their numbers, and `@type` before them. */
export function canonicalJson(type: DescMessage, message: Message, registry: Registry): JsonObject {
  const json = toJson(type, message, { registry, useProtoFieldName: true });
  return typeFirst(json) as JsonObject;
}

/** protobuf-es writes `@type` last, where people look for it in vain. */
function typeFirst(json: JsonValue): JsonValue {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(typeFirst);
  const { '@type': type, ...rest } = json;
  const ordered: Record<string, JsonValue> = type === undefined ? {} : { '@type': type };
  for (const [key, value] of Object.entries(rest)) ordered[key] = typeFirst(value);
  return ordered;
}
