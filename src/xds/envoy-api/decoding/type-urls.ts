import type { DescMessage, Registry } from '@bufbuild/protobuf';
import { type DecodeRun, describe, quote } from './decode-run.js';

const PREFIX = 'type.googleapis.com/';

/** Finds message types by the type URLs that stand in an Any. */
export class TypeUrls {
  private namesByShortName: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(private readonly registry: Registry) {}

  static of(type: DescMessage): string {
    return PREFIX + type.typeName;
  }

  find(url: string): DescMessage | undefined {
    return url.startsWith(PREFIX) ? this.registry.getMessage(url.slice(PREFIX.length)) : undefined;
  }

  /** The type, or a finding of the run that names the one most likely meant. */
  resolve(url: unknown, run: DecodeRun): DescMessage | undefined {
    if (typeof url !== 'string') return run.wrong('a type URL', url);
    const type = this.find(url);
    if (type) return type;
    return run.error('schema.any-type', () => {
      const guess = this.guess(url.slice(url.lastIndexOf('/') + 1));
      const advice =
        guess === undefined ? '; check its spelling and the version of the API' : `; did you mean "${PREFIX}${guess}"?`;
      return `the type ${url === '' ? describe(url) : quote(url)} is not known${advice}`;
    });
  }

  /** The message of the same name in another package or version of the API. */
  private guess(name: string): string | undefined {
    this.namesByShortName ??= namesByShortName(this.registry);
    return closestPackage(name, this.namesByShortName.get(name.slice(name.lastIndexOf('.') + 1)) ?? []);
  }
}

function namesByShortName(registry: Registry): Map<string, string[]> {
  const byShortName = new Map<string, string[]>();
  for (const type of registry) {
    if (type.kind !== 'message') continue;
    const shortName = type.typeName.slice(type.typeName.lastIndexOf('.') + 1);
    byShortName.set(shortName, [...(byShortName.get(shortName) ?? []), type.typeName]);
  }
  return byShortName;
}

/** The name that has most parts in common with the one given. */
function closestPackage(name: string, names: readonly string[]): string | undefined {
  const parts = new Set(name.split('.'));
  const common = (other: string): number => other.split('.').filter((part) => parts.has(part)).length;
  return [...names].sort((a, b) => common(b) - common(a))[0];
}
