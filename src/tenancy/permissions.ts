/** What somebody is in a tenant (SPEC.md §4.1). */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * What a principal may do. Entries are `resource:action`, where `*` stands for every resource or every action. An entry in
 * `denied` wins over any in `granted`; with `within`, whatever it does not cover is denied too. What is `withheld` has to be granted by
 * name: entries for every resource do not cover it.
 */
export interface PermissionSet {
  readonly granted: readonly string[];
  readonly denied: readonly string[];
  readonly within?: readonly string[];
  readonly withheld?: readonly string[];
}

const GRANTED: Readonly<Record<Role, readonly string[]>> = {
  viewer: ['*:read'],
  operator: [
    '*:read',
    'vms:write',
    'containers:write',
    'proxies:write',
    'proxy-groups:write',
    'credentials:write',
    'configurations:write',
    'secrets:write',
    'endpoint-overrides:write',
    'deployments:write',
  ],
  admin: ['*:read', '*:write'],
};

/** What only admins may by their role: the audit log tells of everybody, and where they work from. */
const FOR_ADMINS = ['audit:read'];

/** `resource:action` in the form that roles, users and API keys use. */
export const PERMISSION_ENTRY = /^(\*|[a-z][a-z-]{0,62}):(\*|read|write)$/;

/**
 * The permissions of a user.
 * @param overrides entries that widen (`true`) or narrow (`false`) the role for this user
 */
export function permissionsOf(role: Role, overrides: Readonly<Record<string, boolean>> = {}): PermissionSet {
  const entries = Object.entries(overrides);
  return {
    granted: [...GRANTED[role], ...entries.filter(([, grants]) => grants).map(([entry]) => entry)],
    denied: entries.filter(([, grants]) => !grants).map(([entry]) => entry),
    ...(role === 'admin' ? {} : { withheld: FOR_ADMINS }),
  };
}

/** The same permissions, at most those of the list; for API keys. */
export function narrowed(permissions: PermissionSet, within: readonly string[] | null): PermissionSet {
  return within === null ? permissions : { ...permissions, within };
}

/** All that an entry may say of a resource. */
const ACTIONS = ['read', 'write'] as const;

/** Whether the set allows `needed`, all of it where that is an entry with `*`. Half of an entry is no permission. */
export function allows(permissions: PermissionSet, needed: string): boolean {
  const [resource, wanted] = split(needed);
  if (wanted === '*') return ACTIONS.every((action) => allows(permissions, `${resource}:${action}`));
  const covers = (entry: string): boolean => entryCovers(entry, needed);
  const isWithheld = permissions.withheld?.includes(needed) ?? false;
  if (!permissions.granted.some((entry) => covers(entry) && !(isWithheld && entry.startsWith('*')))) return false;
  if (permissions.denied.some((entry) => entriesOverlap(entry, needed))) return false;
  return permissions.within?.some(covers) ?? true;
}

/** The set in words: entries granted, and entries denied behind a minus. */
export function describePermissions(permissions: PermissionSet): readonly string[] {
  const granted = permissions.within?.filter((entry) => allows(permissions, entry)) ?? permissions.granted;
  const withheld = permissions.within
    ? []
    : (permissions.withheld ?? []).filter((entry) => !allows(permissions, entry));
  return [...new Set(granted), ...[...permissions.denied, ...withheld].map((entry) => `-${entry}`)];
}

function entryCovers(entry: string, needed: string): boolean {
  const [resource, action] = split(entry);
  const [neededResource, neededAction] = split(needed);
  return (resource === '*' || resource === neededResource) && (action === '*' || action === neededAction);
}

function entriesOverlap(one: string, other: string): boolean {
  const [resource, action] = split(one);
  const [otherResource, otherAction] = split(other);
  const meet = (a: string, b: string): boolean => a === '*' || b === '*' || a === b;
  return meet(resource, otherResource) && meet(action, otherAction);
}

function split(entry: string): [resource: string, action: string] {
  const colon = entry.indexOf(':');
  return [entry.slice(0, colon), entry.slice(colon + 1)];
}
