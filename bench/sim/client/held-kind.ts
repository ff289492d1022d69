import type { Kind, Protocol } from './kinds.ts';
import { isRoot } from './kinds.ts';
import type { Resource } from './resource.ts';
import type { Response } from './response.ts';

/** An answer that is to be given. */
export interface Answer {
  readonly nonce: string;
  readonly error: string | undefined;
}

/** What one hollow proxy wants, has and claims of one kind. */
export class HeldKind {
  readonly kind: Kind;
  private readonly protocol: Protocol;
  names = new Set<string>();
  /** As it is applied, whatever is claimed. */
  readonly has = new Map<string, Resource>();
  /** Incremental: what is claimed of each name, that of the last ACK. */
  private readonly versions = new Map<string, string>();
  /** State of the world: what is claimed of the whole, that of the last ACK. */
  private version = '';
  nonce = '';
  /** Names as the server of this stream was told last; undefined before the first request. */
  asked: ReadonlySet<string> | undefined;
  answers: Answer[] = [];
  /** Asks again although nothing changed, as for what a changed parent waits for. */
  asksAgain = false;

  constructor(kind: Kind, protocol: Protocol) {
    this.kind = kind;
    this.protocol = protocol;
  }

  /** What it says to have, in a first request and later. */
  get claim(): { readonly version: string; readonly versions: ReadonlyMap<string, string> } {
    return { version: this.version, versions: this.versions };
  }

  /** The stream is over. */
  disconnect(): void {
    this.asked = undefined;
    this.nonce = '';
    this.answers = [];
    this.asksAgain = false;
  }

  /** @returns the resources that are new or changed */
  apply({ kind, resources, removed }: Response, isRefused: (resource: Resource) => boolean): Resource[] {
    const given = new Set(resources.map(({ name }) => name));
    if (this.protocol === 'sotw' && isRoot(kind)) {
      for (const name of this.has.keys()) if (!given.has(name)) this.has.delete(name);
    }
    const changed = resources.filter((resource) => {
      const isWanted = isRoot(kind) || this.names.has(resource.name);
      return isWanted && !isRefused(resource) && this.has.get(resource.name)?.version !== resource.version;
    });
    for (const resource of changed) this.has.set(resource.name, resource);
    for (const name of removed) this.has.delete(name);
    return changed;
  }

  /** What it acknowledges is what it claims on its next stream. */
  acknowledge({ kind, version, resources, removed }: Response): void {
    this.version = version;
    for (const name of removed) this.versions.delete(name);
    for (const resource of resources) {
      if (isRoot(kind) || this.names.has(resource.name)) this.versions.set(resource.name, resource.version);
    }
  }

  /** Wants these names from now on, and drops what nobody wants any more. */
  want(names: ReadonlySet<string>): void {
    this.names = new Set(names);
    for (const name of [...this.has.keys(), ...this.versions.keys()]) {
      if (names.has(name)) continue;
      this.has.delete(name);
      this.versions.delete(name);
    }
  }
}
