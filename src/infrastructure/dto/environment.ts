const MAX_VARIABLES = 256;
const MAX_VALUE_LENGTH = 4096;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Parts of a name, between underscores, that stand for something secret. */
const SECRET_PARTS = new Set([
  'PASSWORD',
  'PASSWD',
  'PASSPHRASE',
  'SECRET',
  'SECRETS',
  'TOKEN',
  'CREDENTIALS',
  'APIKEY',
]);

/**
 * Says what is wrong with the environment of a container, or undefined. What every reader of the tenant sees must hold no secrets, so
 * variables whose names stand for one are refused.
 */
export function environmentProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object of strings';
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length > MAX_VARIABLES) return `must have at most ${MAX_VARIABLES} variables`;
  for (const [name, text] of entries) {
    if (!NAME.test(name)) return `has the variable "${name.slice(0, 80)}"; names have letters, digits and "_"`;
    if (isSecret(name)) return `has "${name}", which stands for a secret; keep secrets out of the inventory`;
    if (typeof text !== 'string' || text.length > MAX_VALUE_LENGTH || text.includes('\0') || !text.isWellFormed()) {
      return `has a value for "${name}" that is not a string of up to ${MAX_VALUE_LENGTH} characters without NUL`;
    }
  }
  return undefined;
}

function isSecret(name: string): boolean {
  const parts = name.toUpperCase().split('_');
  const isKey = parts.some((part, i) => part === 'KEY' && ['API', 'PRIVATE', 'ACCESS'].includes(parts[i - 1] ?? ''));
  return isKey || parts.some((part) => SECRET_PARTS.has(part));
}
