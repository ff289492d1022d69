import { getMetadataStorage } from 'class-validator';

/** What @nestjs/swagger keeps of a field; it does not export the key. */
const SHOWN = 'swagger/apiModelProperties';

type Fact = 'minLength' | 'maxLength' | 'pattern' | 'minimum' | 'maximum' | 'minItems' | 'maxItems';

/** Of a field, what both a check and a schema can say. */
export class SchemaFacts {
  constructor(readonly facts: Readonly<Partial<Record<Fact, number | string>>>) {}
}

interface CheckMetadata {
  readonly name?: string;
  readonly propertyName: string;
  readonly constraints?: readonly unknown[];
  /** It checks the items of a list, not the list. */
  readonly each: boolean;
}

const OF_VALUES: Readonly<Record<string, readonly Fact[]>> = {
  minLength: ['minLength'],
  maxLength: ['maxLength'],
  isLength: ['minLength', 'maxLength'],
  min: ['minimum'],
  max: ['maximum'],
  matches: ['pattern'],
};

const OF_LISTS: Readonly<Record<string, readonly Fact[]>> = {
  arrayMinSize: ['minItems'],
  arrayMaxSize: ['maxItems'],
};

/**
 * Adds to what the OpenAPI document shows of every field what its checks say of it: lengths, bounds and patterns, so that nobody writes them
 * twice. What a field says itself stays. Call before the document is made; twice is as once.
 */
export function describeChecks(): void {
  // Declared private, but there is no other way to all classes.
  const classes = Reflect.get(getMetadataStorage(), 'validationMetadatas') as ReadonlyMap<unknown, CheckMetadata[]>;
  for (const [target, checks] of classes) {
    if (typeof target !== 'function') continue;
    const prototype = target.prototype as object;
    for (const check of checks) {
      const shown = Reflect.getMetadata(SHOWN, prototype, check.propertyName) as Shown | undefined;
      const told = shown && { ...factsOf(check, shown), ...shown };
      if (told) Reflect.defineMetadata(SHOWN, told, prototype, check.propertyName);
    }
  }
}

interface Shown {
  readonly isArray?: boolean;
}

/** Lengths and patterns of items stand beside the bounds of their list: @nestjs/swagger puts each where it belongs. */
function factsOf({ name = '', each, constraints = [] }: CheckMetadata, { isArray = false }: Shown): object {
  const [own] = constraints;
  if (own instanceof SchemaFacts) return each === isArray ? own.facts : {};
  const facts = (each === isArray ? OF_VALUES[name] : undefined) ?? (isArray && !each ? OF_LISTS[name] : undefined);
  return Object.fromEntries(
    (facts ?? []).flatMap((fact, i) => {
      const value = constraints[i];
      if (!(value instanceof RegExp)) return [[fact, value]];
      // JSON Schema knows no flags.
      return value.flags === '' ? [[fact, value.source]] : [];
    }),
  );
}
