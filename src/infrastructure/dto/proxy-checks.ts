import { isUuid } from '../../common/context/ids.js';
import { MAX_NAME_LENGTH, nameProblem } from '../../common/http/address.js';
import { Check } from '../../common/http/request-fields.js';
import { labelsProblem, parseLabelSelector } from '../labels.js';

const MAX_METADATA_DEPTH = 8;
const MAX_METADATA_BYTES = 16 * 1024;
/** Keys that EFMS itself sets in the node's metadata begin so. */
const RESERVED_PREFIX = 'efms.';

export const IsLabels = (): PropertyDecorator => Check('labels', labelsProblem);
export const IsLabelSelector = (): PropertyDecorator => Check('labelSelector', selectorProblem);
/** A reference to another thing of the tenant, as paths name them. */
export const IsAddress = (): PropertyDecorator =>
  Check('address', addressProblem, { maxLength: 'name:'.length + MAX_NAME_LENGTH });
export const IsMetadata = (): PropertyDecorator => Check('metadata', metadataProblem);

function selectorProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  const terms = parseLabelSelector(value);
  return typeof terms === 'string' ? `cannot be read: ${terms}` : undefined;
}

function addressProblem(value: unknown): string | undefined {
  const isAddress =
    typeof value === 'string' &&
    (isUuid(value) || (value.startsWith('name:') && nameProblem(value.slice(5)) === undefined));
  return isAddress ? undefined : 'must be a UUID or name:<name>';
}

/**
 * Says what is wrong with the metadata of a node, or undefined. Bounded, because every stream's first request carries it. Keys that reach
 * into prototypes do not get past the parser of the body.
 */
export function metadataProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  const reserved = Object.keys(value).find((key) => key.startsWith(RESERVED_PREFIX));
  if (reserved !== undefined)
    return `must not have the key "${reserved.slice(0, 80)}": "${RESERVED_PREFIX}" is kept for EFMS`;
  return jsonProblem(value, MAX_METADATA_DEPTH) ?? sizeProblem(value);
}

function jsonProblem(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return storable(value) ? undefined : 'must not contain NUL or broken Unicode';
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? undefined : 'must have whole numbers only: Envoy reads others as text';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === 0) return `must not be nested deeper than ${MAX_METADATA_DEPTH} levels`;
  for (const [key, member] of Object.entries(value)) {
    const problem = storable(key) ? jsonProblem(member, depth - 1) : 'must not contain NUL or broken Unicode';
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function sizeProblem(value: object): string | undefined {
  return Buffer.byteLength(JSON.stringify(value)) > MAX_METADATA_BYTES
    ? `must not be larger than ${MAX_METADATA_BYTES} bytes`
    : undefined;
}

/** PostgreSQL stores neither in jsonb. */
const storable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
