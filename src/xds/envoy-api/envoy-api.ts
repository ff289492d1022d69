import {
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { shapeFinding } from '../../common/documents/document-shape.js';
import type { Finding } from '../../common/errors/finding.js';
import { RESOURCE_TYPES, type ResourceKind, type ResourceType, resourceType } from '../resource-types.js';
import { type CompiledSnapshot, snapshotHash } from '../snapshots/compiled-snapshot.js';
import { BootstrapReader, type BootstrapReading } from './bootstrap-reader.js';
import { canonicalJson } from './canonical-json.js';
import { SnapshotChecks } from './checks/snapshot-checks.js';
import { DecodeRun, describe, isObject } from './decoding/decode-run.js';
import { MessageDecoder } from './decoding/message-decoder.js';
import { didYouMean } from './decoding/suggestion.js';
import { TypeUrls } from './decoding/type-urls.js';
import { loadDescriptors } from './descriptor-registry.js';
import { FindingList } from './finding-list.js';
import { type Fields, MessageTree } from './message-tree.js';
import { MessageWalker } from './message-walk.js';
import { pointerInto } from './place.js';
import { type FoundReference, referencesOf } from './references.js';
import type { JsonObject, SnapshotReading } from './resource.js';
import { RuleSet } from './rules/rule-set.js';
import { RuleWalk } from './rules/rule-walk.js';
import { type SnapshotResource, encodeResource } from './snapshot-resource.js';

/** Collections that are not served yet: rather refused than taken and never delivered. An empty one says nothing. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['scopedRoutes', 'unsupported.scoped-routes'],
  ['virtualHosts', 'unsupported.virtual-hosts'],
]);

/** Reading and checking block the event loop, some 0.1 ms a resource; beyond this a snapshot is a mistake or an attack. */
const MAX_RESOURCES = 10_000;

const SUPPORTED = RESOURCE_TYPES.filter(({ collection }) => !UNSUPPORTED.has(collection));

/**
 * Reads snapshot documents: Envoy resources in proto3 JSON, by kind. What Envoy would refuse is refused here, with a JSON pointer into
 * the document, a rule and a sentence for everything that is wrong: schema, `@type`s, the validation rules of the API, references,
 * names, addresses, inline secrets.
 *
 * Loading takes a tenth of a second; the instance is meant to be kept. It holds no state between documents.
 */
export class EnvoyApi {
  private readonly decoder: MessageDecoder;
  private readonly rules: RuleSet;
  private readonly walker = new MessageWalker();
  private readonly checks: SnapshotChecks;
  private readonly bootstraps: BootstrapReader;

  private constructor(private readonly registry: FileRegistry) {
    this.decoder = new MessageDecoder(registry);
    this.rules = new RuleSet(registry);
    this.checks = new SnapshotChecks(registry, this.walker);
    this.bootstraps = new BootstrapReader({ registry, decoder: this.decoder, rules: this.rules, checks: this.checks });
  }

  /**
   * @param extraDescriptorFiles files with serialized `FileDescriptorSet`s of extensions, or of a newer Envoy
   * @throws Error naming a file that cannot be read or does not fit
   */
  static load(extraDescriptorFiles: readonly string[] = []): EnvoyApi {
    return new EnvoyApi(loadDescriptors(extraDescriptorFiles));
  }

  /**
   * Checks a whole snapshot and encodes its resources. Takes any data and never throws for it.
   * @param document `{listeners: […], routes: […], clusters: […], endpoints: […], secrets: […], runtimes: […], extensionConfigs: […]}`, each
   *   entry a resource in proto3 JSON, with or without its `@type`; of a secret its name alone
   */
  readSnapshot(document: unknown): SnapshotReading {
    const malformed = shapeFinding(document) ?? sizeFinding(document);
    if (malformed) return refused([malformed]);
    const findings = new FindingList();
    const unread = new Set<ResourceKind>();
    const resources = this.decodeSnapshot(document, findings, unread);
    for (const resource of resources) {
      this.checkRules(resource, findings);
      this.checks.checkResource(resource, findings);
    }
    this.checks.checkSnapshot(resources, unread, findings);
    if (findings.hasErrors) return refused(findings.toArray());
    const read = resources.map((resource) => encodeResource(resource, this.registry));
    return { findings: findings.toArray(), resources: read, hash: snapshotHash(read) };
  }

  /**
   * Checks a whole bootstrap, also against what its proxy is to serve beside it. Takes any data and never throws for it.
   * @param document `envoy.config.bootstrap.v3.Bootstrap` in proto3 JSON, with or without its `@type`
   */
  readBootstrap(document: unknown, assigned: CompiledSnapshot | undefined): BootstrapReading {
    const statics = isObject(document) ? (document['static_resources'] ?? document['staticResources']) : undefined;
    const malformed = shapeFinding(document) ?? sizeFinding(statics);
    if (malformed) return { findings: [malformed], bootstrap: undefined, pointerTo: () => '' };
    return this.bootstraps.read(document, assigned);
  }

  /**
   * An encoded resource in canonical proto3 JSON (snake_case).
   * @throws Error for bytes that are no message of this kind, or hold one of a type that is not known
   */
  toJson(kind: ResourceKind, value: Uint8Array): JsonObject {
    const type = this.messageType(resourceType(kind));
    return canonicalJson(type, fromBinary(type, value), this.registry);
  }

  /** A message that EFMS itself put together, in proto3 JSON; nothing of it is checked. Equal content has equal bytes. */
  encode(kind: ResourceKind, json: JsonObject): Buffer {
    const type = this.messageType(resourceType(kind));
    return Buffer.from(toBinary(type, fromJson(type, json as JsonValue, { registry: this.registry })));
  }

  /** @param unread takes the kinds of which not every entry could be read, so that its name is not known */
  private decodeSnapshot(document: unknown, findings: FindingList, unread: Set<ResourceKind>): SnapshotResource[] {
    const tree = new MessageTree();
    const run = new DecodeRun(findings, tree, []);
    if (!isObject(document)) {
      run.wrong('an object with listeners, routes, clusters and so on', document);
      return [];
    }
    const resources: SnapshotResource[] = [];
    for (const [key, entries] of Object.entries(document)) {
      const known = SUPPORTED.find(({ collection }) => collection === key);
      run.at(key, () => {
        if (!known) refuseCollection(key, entries, run);
        else if (entries !== null && !Array.isArray(entries)) {
          unread.add(known.kind);
          run.wrong('a list', entries);
        }
      });
      if (!known || !Array.isArray(entries)) continue;
      for (const [i, entry] of entries.entries()) {
        const message = run.at(key, () => run.at(i, () => this.decodeEntry(known, entry, run)));
        const pointerTo: SnapshotResource['pointerTo'] = (steps) => pointerInto(document, [key, i], steps);
        if (message) resources.push(this.resourceOf(known, message, tree, pointerTo));
        else unread.add(known.kind);
      }
    }
    return resources;
  }

  private decodeEntry(known: ResourceType, entry: unknown, run: DecodeRun): Fields | undefined {
    const url = isObject(entry) ? entry['@type'] : undefined;
    const type = this.messageType(known);
    if (url !== undefined && url !== TypeUrls.of(type)) {
      run.at('@type', () =>
        run.error('schema.any-type', () => `expected ${TypeUrls.of(type)}, got ${describe(url)}; correct or remove it`),
      );
      return undefined;
    }
    return this.decoder.decode(type, known.kind === 'secret' ? nameAlone(entry, run) : entry, run);
  }

  private resourceOf(
    known: ResourceType,
    message: Fields,
    tree: MessageTree,
    pointerTo: SnapshotResource['pointerTo'],
  ): SnapshotResource {
    const type = this.messageType(known);
    const references: FoundReference[] = [];
    this.walker.walk({ type, message }, tree, (visited) => references.push(...referencesOf(visited)));
    const nameField = type.fields.find((field) => field.name === known.nameField);
    const name = nameField ? (message[nameField.localName] as string) : '';
    return { resourceType: known, type, message, name, references, tree, pointerTo };
  }

  private checkRules(resource: SnapshotResource, findings: FindingList): void {
    this.rules.check(resource, new RuleWalk(resource.tree, findings, resource.pointerTo));
  }

  private messageType(known: ResourceType): DescMessage {
    const type = this.registry.getMessage(known.message);
    if (!type) throw new Error(`the descriptor set lacks ${known.message}`);
    return type;
  }
}

const refused = (findings: readonly Finding[]): SnapshotReading => ({
  findings,
  resources: [],
  hash: snapshotHash([]),
});

/** A secret in a snapshot is a reference: its content is kept apart, so whatever else is written there is refused, and not quoted. */
function nameAlone(entry: unknown, run: DecodeRun): unknown {
  if (!isObject(entry)) return entry;
  for (const key of Object.keys(entry)) {
    if (key === 'name' || key === '@type') continue;
    run.at(key, () => run.error('secret.inline', () => SECRET_INLINE));
  }
  return 'name' in entry ? { name: entry['name'] } : {};
}

const SECRET_INLINE =
  'a snapshot names its secrets and holds none; keep the content with PUT /api/v1/secrets/name:<name> and leave the name alone here';

function refuseCollection(key: string, entries: unknown, run: DecodeRun): void {
  const unsupported = UNSUPPORTED.get(key);
  const isEmpty = entries === null || (Array.isArray(entries) && entries.length === 0);
  if (unsupported !== undefined && isEmpty) return;
  if (unsupported !== undefined) {
    run.error(unsupported, () => `${key} cannot be part of a snapshot yet; leave them out`);
    return;
  }
  const known = SUPPORTED.map(({ collection }) => collection);
  run.error('schema.unknown-field', () => {
    const advice = didYouMean(key, known) || `; a snapshot has ${known.join(', ')}`;
    return `${describe(key)} is not part of a snapshot${advice}`;
  });
}

function sizeFinding(document: unknown): Finding | undefined {
  if (!isObject(document)) return undefined;
  const lists = Object.values(document).filter(Array.isArray);
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  if (count <= MAX_RESOURCES) return undefined;
  const detail = `at most ${MAX_RESOURCES} resources are read at once, and here are ${count}; split them`;
  return { pointer: '', rule: 'snapshot.too-many-resources', detail, severity: 'error' };
}
