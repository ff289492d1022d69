import { type DescMessage, type FileRegistry, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { type Finding, pointerTo } from '../../common/errors/finding.js';
import { RESOURCE_TYPES, type ResourceKind, type ResourceType, resourceType } from '../resource-types.js';
import { type ResourceReference, resourceVersion, snapshotHash } from '../snapshots/compiled-snapshot.js';
import { loadDescriptors } from './descriptor-registry.js';
import { didYouMean } from './did-you-mean.js';
import { JsonReader, isObject } from './json-reader.js';
import { textOf } from './message-fields.js';
import { type FoundReference, referencesIn } from './references.js';
import { type ResourceMessage, findingAt } from './resource-message.js';
import { RuleEvaluator } from './rules/rule-evaluator.js';
import { SnapshotChecks } from './snapshot-checks.js';
import { walk } from './walk.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** One valid resource, ready to be stored. */
export interface ReadResource {
  readonly kind: ResourceKind;
  readonly name: string;
  /** The message, encoded deterministically. */
  readonly value: Buffer;
  readonly version: string;
  /** Canonical proto3 JSON with proto field names. */
  readonly json: JsonObject;
  /** What must arrive before this resource is warm. */
  readonly children: readonly ResourceReference[];
  /** Everything that this resource names. */
  readonly references: readonly ResourceReference[];
}

/** What a snapshot document turned out to be. */
export interface SnapshotReading {
  readonly findings: readonly Finding[];
  /** Empty where a finding is an error. */
  readonly resources: readonly ReadResource[];
  /** Content hash of the resources. */
  readonly hash: string;
}

/** More findings than this help nobody; the last one says how many were left out. */
const MAX_FINDINGS = 200;

/** Kinds that are served by a later release, so that a document with them is told so instead of being half served. */
const NOT_SERVED_YET = ['secrets', 'scopedRoutes', 'virtualHosts'];

/** The Envoy API as EFMS knows it: reads what people write, says what is wrong with it, and encodes it. */
export class EnvoyApi {
  private readonly rules: RuleEvaluator;
  private readonly checks: SnapshotChecks;

  private constructor(private readonly registry: FileRegistry) {
    this.rules = new RuleEvaluator(registry);
    this.checks = new SnapshotChecks(registry);
  }

  /**
   * Loads the committed descriptor set and the operator's own; about 80 ms.
   * @throws Error naming a descriptor file that cannot be read
   */
  static load(extraDescriptorFiles: readonly string[] = []): EnvoyApi {
    return new EnvoyApi(loadDescriptors(extraDescriptorFiles));
  }

  /**
   * Reads a snapshot document `{listeners: […], routes: […], clusters: […], endpoints: […], …}` of resources in proto3 JSON, and
   * checks form, rules, references and what Envoy refuses beyond those. Never throws for what the document holds.
   */
  readSnapshot(document: unknown): SnapshotReading {
    const findings: Finding[] = [];
    const messages = this.readCollections(document, findings);
    if (!findings.some(isError)) findings.push(...this.checks.together(messages));
    if (!findings.some(isError) && messages.length === 0) {
      findings.push({
        pointer: '',
        rule: 'snapshot.empty',
        detail: 'the snapshot holds no resource',
        severity: 'error',
      });
    }
    if (findings.some(isError)) return { findings: bounded(findings), resources: [], hash: '' };
    const resources = messages.map((message) => this.encode(message));
    return { findings: bounded(findings), resources, hash: snapshotHash(resources) };
  }

  /** Canonical JSON of an encoded resource. */
  toJson(kind: ResourceKind, value: Uint8Array): JsonObject {
    const desc = this.descriptor(resourceType(kind));
    return this.canonical(desc, fromBinary(desc, value));
  }

  private readCollections(document: unknown, findings: Finding[]): ResourceMessage[] {
    const refuse = (pointer: string, rule: string, detail: string): void => {
      findings.push({ pointer, rule, detail, severity: 'error' });
    };
    if (!isObject(document)) {
      refuse('', 'schema.type', 'a snapshot is an object with lists such as listeners, routes and clusters');
      return [];
    }
    const messages: ResourceMessage[] = [];
    for (const [key, entries] of Object.entries(document)) {
      const pointer = pointerTo('', key);
      const type = RESOURCE_TYPES.find((candidate) => candidate.collection === key);
      if (NOT_SERVED_YET.includes(key)) {
        if (!Array.isArray(entries) || entries.length > 0)
          refuse(pointer, `unsupported.${key}`, `${key} are not served yet; leave them out`);
      } else if (!type) {
        const names = RESOURCE_TYPES.map((candidate) => candidate.collection);
        refuse(
          pointer,
          'schema.unknown-field',
          `a snapshot has no "${key}"${didYouMean(key, names)}; it has ${names.join(', ')}`,
        );
      } else if (!Array.isArray(entries)) {
        refuse(pointer, 'schema.type', `${key} is a list`);
      } else {
        entries.forEach((entry, i) => {
          const read = this.readResource(type, entry, pointerTo(pointer, i), findings);
          if (read) messages.push(read);
        });
      }
    }
    return messages;
  }

  private readResource(
    type: ResourceType,
    entry: unknown,
    pointer: string,
    findings: Finding[],
  ): ResourceMessage | undefined {
    const json = withoutType(entry, type, pointer, findings);
    const desc = this.descriptor(type);
    const reader = new JsonReader(this.registry);
    const message = reader.read(desc, json, pointer);
    if (reader.findings.length > 0) {
      findings.push(...reader.findings);
      return undefined;
    }
    const references: FoundReference[] = [];
    walk(desc, message, reader.anyContents, {
      message: (part, path) => void references.push(...referencesIn(part, path)),
    });
    const name = textOf(reflect(desc, message), type.nameField);
    const resource: ResourceMessage = {
      type,
      desc,
      name,
      message,
      contents: reader.anyContents,
      references,
      json,
      pointer,
    };
    for (const { path, rule, detail } of this.rules.evaluate(desc, message, reader.anyContents)) {
      findings.push(findingAt(resource, path, rule, detail));
    }
    findings.push(...this.checks.resource(resource));
    return resource;
  }

  private encode({ type, desc, name, message, references }: ResourceMessage): ReadResource {
    const value = Buffer.from(toBinary(desc, message));
    return {
      kind: type.kind,
      name,
      value,
      version: resourceVersion(type.kind, value),
      json: this.canonical(desc, message),
      children: distinct(references.filter((reference) => reference.isChild)),
      references: distinct(references),
    };
  }

  private canonical(desc: DescMessage, message: ResourceMessage['message']): JsonObject {
    return toJson(desc, message, { registry: this.registry, useProtoFieldName: true }) as JsonObject;
  }

  private descriptor(type: ResourceType): DescMessage {
    const desc = this.registry.getMessage(type.message);
    if (!desc) throw new Error(`the descriptor set lacks ${type.message}`);
    return desc;
  }
}

/** Entries may say their type, as in Envoy's own files; then it has to be the right one. */
function withoutType(entry: unknown, type: ResourceType, pointer: string, findings: Finding[]): unknown {
  if (!isObject(entry) || !('@type' in entry)) return entry;
  const { '@type': given, ...json } = entry;
  if (given !== type.typeUrl) {
    const detail = `${type.collection} hold ${type.typeUrl}; leave "@type" out or correct it`;
    findings.push({ pointer: pointerTo(pointer, '@type'), rule: 'schema.wrong-type', detail, severity: 'error' });
  }
  return json;
}

function distinct(references: readonly FoundReference[]): readonly ResourceReference[] {
  const byKey = new Map(references.map(({ kind, name }) => [`${kind}/${name}`, { kind, name }]));
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}

function bounded(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MAX_FINDINGS) return findings;
  const kept = [...findings].sort((a, b) => Number(isError(b)) - Number(isError(a))).slice(0, MAX_FINDINGS - 1);
  const left = findings.length - kept.length;
  return [
    ...kept,
    { pointer: '', rule: 'findings.more', detail: `and ${left} more; mend these first`, severity: 'warning' },
  ];
}

const isError = (finding: Finding): boolean => finding.severity === 'error';
