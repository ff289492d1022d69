import { type DescField, type DescMessage, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import type { Finding } from '../../common/errors/finding.js';
import { RESOURCE_TYPES, type ResourceKind, resourceType } from '../resource-types.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { canonicalJson } from './canonical-json.js';
import { type Bound, boundAddress, boundAddresses, TakenAddresses } from './checks/bound-addresses.js';
import { checkAddresses, checkListenerShape } from './checks/listener-checks.js';
import type { SnapshotChecks } from './checks/snapshot-checks.js';
import { DecodeRun } from './decoding/decode-run.js';
import type { MessageDecoder } from './decoding/message-decoder.js';
import { FindingList } from './finding-list.js';
import { type Fields, MessageTree } from './message-tree.js';
import { pointerInto, pointerToCanonical, type Step } from './place.js';
import type { JsonObject } from './resource.js';
import type { RuleSet } from './rules/rule-set.js';
import { RuleWalk } from './rules/rule-walk.js';
import type { SnapshotResource } from './snapshot-resource.js';

/** What a bootstrap holds, or why it is refused. */
export interface BootstrapReading {
  /** Errors refuse the bootstrap, warnings do not; errors come first. */
  readonly findings: readonly Finding[];
  /** In canonical proto3 JSON; undefined where a finding is an error. */
  readonly bootstrap: JsonObject | undefined;
  /** The pointer into the bootstrap as it was sent, for tokens that lead to a place in the canonical one. */
  readonly pointerTo: (tokens: readonly (string | number)[]) => string;
}

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';

/** What of a bootstrap's static resources has names that those of a snapshot can clash with. */
const STATIC_KINDS: readonly ResourceKind[] = ['cluster', 'listener', 'secret'];

/** The parts of the Envoy API that reading takes. */
export interface ReadingTools {
  readonly registry: FileRegistry;
  readonly decoder: MessageDecoder;
  readonly rules: RuleSet;
  readonly checks: SnapshotChecks;
}

/**
 * Reads bootstraps that are to go on as they are, beside what EFMS delivers. They are not stored, so secrets may be in them. Static
 * listeners need no name, as with Envoy.
 */
export class BootstrapReader {
  constructor(private readonly tools: ReadingTools) {}

  /** @param assigned what the proxy is to serve; the static resources may not have its names, nor its addresses */
  read(document: unknown, assigned: CompiledSnapshot | undefined): BootstrapReading {
    const { registry, decoder, rules, checks } = this.tools;
    const type = this.messageType(BOOTSTRAP);
    const findings = new FindingList();
    const tree = new MessageTree();
    const pointerTo = (steps: readonly Step[]): string => pointerInto(document, [], steps);
    const message = decoder.decode(type, document, new DecodeRun(findings, tree, [], 'passing'));
    if (message) {
      const whole = { type, message, tree, pointerTo };
      rules.check(whole, new RuleWalk(tree, findings, pointerTo));
      checks.checkPassing(whole, findings);
      const statics = staticResources(whole);
      checkNames(statics, assigned, findings);
      this.checkListeners(statics, adminAddress(whole), assigned, findings);
    }
    return {
      findings: findings.toArray(),
      bootstrap: message && !findings.hasErrors ? canonicalJson(type, message, registry) : undefined,
      pointerTo: (tokens) => pointerToCanonical(document, tokens),
    };
  }

  private checkListeners(
    statics: readonly SnapshotResource[],
    admin: Bound | undefined,
    assigned: CompiledSnapshot | undefined,
    findings: FindingList,
  ): void {
    const listeners = statics.filter(({ resourceType: { kind } }) => kind === 'listener');
    for (const listener of listeners) checkListenerShape(listener, findings);
    const own = listeners.flatMap((listener) => boundAddresses(listener, ownerOf(listener)));
    const elsewhere = new TakenAddresses();
    for (const bound of this.assignedAddresses(assigned)) elsewhere.add(bound);
    for (const bound of admin ? [admin, ...own] : own) refuseOverlap(bound, elsewhere, findings);
    const here = new TakenAddresses();
    if (admin) here.add(admin);
    checkAddresses(own, here, findings);
  }

  private assignedAddresses(assigned: CompiledSnapshot | undefined): Bound[] {
    const type = this.messageType(resourceType('listener').message);
    return [...(assigned?.resources('listener').values() ?? [])].flatMap(({ name, value }) => {
      const message = fromBinary(type, value) as Fields;
      return boundAddresses({ type, message, pointerTo: () => '' }, `listener "${name}" of the assigned version`);
    });
  }

  private messageType(name: string): DescMessage {
    const type = this.tools.registry.getMessage(name);
    if (!type) throw new Error(`the descriptor set lacks ${name}`);
    return type;
  }
}

const ownerOf = ({ name, pointerTo }: SnapshotResource): string =>
  name === '' ? `the listener at ${pointerTo([])}` : `listener "${name}"`;

type Whole = Pick<SnapshotResource, 'type' | 'message' | 'tree' | 'pointerTo'>;

function staticResources({ type, message, tree, pointerTo }: Whole): SnapshotResource[] {
  const holderField = type.field['staticResources'];
  const holder = message['staticResources'] as Fields | undefined;
  if (!holderField?.message || !holder) return [];
  const { fields } = holderField.message;
  return RESOURCE_TYPES.filter(({ kind }) => STATIC_KINDS.includes(kind)).flatMap((known) => {
    const list = fields.find(({ name }) => name === known.collection);
    if (!list?.message) return [];
    const { message: itemType } = list;
    return (holder[list.localName] as readonly Fields[]).map((item, i): SnapshotResource => ({
      resourceType: known,
      type: itemType,
      message: item,
      name: item['name'] as string,
      references: [],
      tree,
      pointerTo: (steps) => pointerTo([holderField, list, i, ...steps]),
    }));
  });
}

function adminAddress({ type, message, pointerTo }: Whole): Bound | undefined {
  const admin = message['admin'] as Fields | undefined;
  const field = type.field['admin'];
  const addressField = field?.message?.field['address'];
  if (!admin || !field || !addressField) return undefined;
  const place = { address: admin['address'], steps: [field, addressField] };
  return boundAddress({ pointerTo }, place, 'the admin interface');
}

function checkNames(
  statics: readonly SnapshotResource[],
  assigned: CompiledSnapshot | undefined,
  findings: FindingList,
): void {
  const taken = new Set<string>();
  for (const { resourceType: known, type, name, pointerTo } of statics) {
    if (name === '') continue;
    const key = `${known.kind}/${name}`;
    const report = (detail: string): void => {
      const steps = type.fields.filter((field: DescField) => field.name === known.nameField);
      findings.error(() => ({ pointer: pointerTo(steps), rule: 'duplicate.name', detail }));
    };
    if (taken.has(key)) report(`another ${type.name} is named "${name}" too; rename or remove one of them`);
    else if (assigned?.resources(known.kind).has(name)) {
      report(
        `the version that is assigned to the proxy has a ${type.name} named "${name}" too, and Envoy would never take it; rename one of them`,
      );
    }
    taken.add(key);
  }
}

/** Beside each other they would take each other's connections, and nobody would see from one side that there is another. */
function refuseOverlap(bound: Bound, elsewhere: TakenAddresses, findings: FindingList): void {
  const same = elsewhere.same(bound);
  const other = same ?? elsewhere.overlapping(bound);
  if (!other) return;
  const [rule, what] = same
    ? ['duplicate.address', 'this address too']
    : ['overlapping.address', 'this port on an address that overlaps'];
  const detail = `${other.owner} has ${what}; give one of them another address or port`;
  findings.error(() => ({ pointer: bound.pointer(), rule, detail }));
}
