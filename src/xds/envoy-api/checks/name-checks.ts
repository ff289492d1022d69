import { XDS_CLUSTER } from '../../../infrastructure/index.js';
import type { FindingList } from '../finding-list.js';
import type { SnapshotResource } from '../snapshot-resource.js';

/** Names are keys of indexes, and PostgreSQL's take no more than some 2,700 bytes. */
const MAX_NAME_BYTES = 1024;

/** Every resource has a name, and no other of its kind has the same. */
export function checkNames(resources: readonly SnapshotResource[], findings: FindingList): void {
  const taken = new Set<string>();
  for (const resource of resources) {
    const { resourceType, type, name, pointerTo, tree, message } = resource;
    const pointer = pointerTo(type.fields.filter((field) => field.name === resourceType.nameField));
    const key = `${resourceType.kind}/${name}`;
    const [rule, detail] = nameProblem(resource) ?? (taken.has(key) ? duplicate(resource) : []);
    taken.add(key);
    // The rules of some types demand a name themselves, and of a damaged message nothing is known.
    const isSaid = name === '' && (tree.isDamaged(message) || findings.hasErrorAt(pointer));
    if (rule !== undefined && detail !== undefined && !isSaid) findings.error(() => ({ pointer, rule, detail }));
  }
}

function nameProblem({ resourceType, type, name }: SnapshotResource): [rule: string, detail: string] | undefined {
  if (name === '') return ['name.required', `a ${type.name} needs a name; give its ${resourceType.nameField}`];
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return ['name.length', `a name has at most ${MAX_NAME_BYTES} bytes; shorten it`];
  }
  if (resourceType.kind !== 'cluster' || name !== XDS_CLUSTER) return undefined;
  return ['name.reserved', `${XDS_CLUSTER} is the cluster of EFMS itself in every bootstrap; choose another name`];
}

const duplicate = ({ type, name }: SnapshotResource): [rule: string, detail: string] => [
  'duplicate.name',
  `another ${type.name} is named "${name}" too; rename or remove one of them`,
];
