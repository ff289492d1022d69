import { type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import type { DeltaRequest, SotwRequest } from '../../src/xds/server/wire/discovery-request.js';
import type { DecodedResponse } from './xds-wire.js';
import type { Variant } from './xds-stream.js';

/** The kinds that histories are of: two parents, the children that they wait for, and one that is asked for by name alone. */
export const MODEL_KINDS = ['cluster', 'endpoint', 'listener', 'route', 'runtime'] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];
export const CHILD_KIND = { cluster: 'endpoint', listener: 'route' } as const;

/** The name of what a cluster or listener waits for. One has to share it with another. */
export const childOf = (parent: string): string => (parent === 'c' ? 'a' : parent);

export type ModelRequest = SotwRequest | DeltaRequest;

/** What refuses content: Envoy while it applies it, its rules before it applies any of the response, or the machine it runs on. */
export interface Machine {
  isBusy: boolean;
}

interface Answer {
  readonly nonce: string;
  readonly isRefusal: boolean;
}

/** A response with what became of it. */
interface Taken {
  readonly response: DecodedResponse;
  readonly isRefusal: boolean;
}

interface EnvoyType {
  names: Set<string>;
  /** Content by name, as it is applied, whatever is claimed. */
  readonly has: Map<string, string>;
  /** Incremental: what is claimed of each name, that of the last ACK. */
  readonly versions: Map<string, string>;
  /** State of the world: what is claimed of the whole, that of the last ACK. */
  version: string;
  nonce: string;
  /** Names as the server of this stream was told last; null before the first request. */
  asked: ReadonlySet<string> | null;
  answers: Answer[];
  /** Asks again although nothing changed, as for what a changed parent waits for. */
  asksAgain: boolean;
}

/**
 * One process of an Envoy, in what matters for what it has in the end (envoy-behaviour.md): of a response that it refuses it applies
 * what is good and removes what is to be removed, and claims as before; children are those of the parents that it has; a cluster that is
 * new or changed waits for its endpoints, and the answer to the clusters waits with it; listeners are asked for after the first clusters.
 */
export class ModelEnvoy {
  readonly types = new Map<ModelKind, EnvoyType>();
  /** Children that their parents wait for. */
  readonly waiting = new Set<string>();
  private send: ((request: ModelRequest) => void) | null = null;
  private withheld: Taken | null = null;
  private hasClusters = false;
  private hasListeners = false;

  /**
   * @param alien content from elsewhere that the process has from the beginning; null for a fresh one
   * @param pausing `requests`: nothing is said of clusters while one warms, also on a new stream; `answers`: only the answer waits
   */
  constructor(
    readonly variant: Variant,
    readonly bootId: string,
    private readonly machine: Machine,
    readonly alien: readonly string[] | null,
    private readonly pausing: 'requests' | 'answers',
  ) {
    for (const kind of MODEL_KINDS) {
      this.types.set(kind, {
        names: new Set(),
        has: new Map(),
        versions: new Map(),
        version: '',
        nonce: '',
        asked: null,
        answers: [],
        asksAgain: false,
      });
    }
    for (const name of alien ?? []) this.bring(name);
  }

  connect(send: (request: ModelRequest) => void): void {
    this.disconnect();
    this.send = send;
    this.talk();
  }

  disconnect(): void {
    this.send = null;
    for (const type of this.types.values()) {
      type.asked = null;
      type.nonce = '';
      type.answers = [];
      type.asksAgain = false;
    }
    this.withheld = null;
  }

  has(kind: ModelKind): ReadonlyMap<string, string> {
    return this.type(kind).has;
  }

  names(kind: ModelKind): ReadonlySet<string> {
    return this.type(kind).names;
  }

  /** Wants a runtime layer, or no longer. */
  want(name: string, how: 'subscribe' | 'unsubscribe'): void {
    const type = this.type('runtime');
    if (how === 'subscribe') type.names.add(name);
    else if (type.names.delete(name)) forget(type, name);
    this.talk();
  }

  /** Takes one response and, where it may, answers it. */
  receive(response: DecodedResponse): void {
    const kind = response.kind as ModelKind;
    const type = this.type(kind);
    type.nonce = response.nonce;
    const isInvalid = [...response.resources.values()].some((content) => content === 'invalid');
    const isRefusal = isInvalid || [...response.resources.values()].some((content) => this.refuses(content));
    if (!isInvalid) this.apply(kind, response);
    for (const name of [...response.resources.keys(), ...response.removed]) this.waiting.delete(`${kind}/${name}`);
    if (!isRefusal && this.pausing === 'requests') this.claim(response);
    if (kind === 'cluster') {
      this.hasClusters = true;
      this.withheld = { response, isRefusal };
    } else this.answer({ response, isRefusal });
    this.followParents();
    this.talk();
  }

  /** Gives up waiting, as after fifteen seconds. @returns what it waited for, and did not get */
  giveUp(): readonly string[] {
    const given = [...this.waiting];
    this.waiting.clear();
    this.talk();
    return given;
  }

  private apply(kind: ModelKind, response: DecodedResponse): void {
    const type = this.type(kind);
    if (this.variant === 'sotw' && resourceType(kind).isRoot) {
      for (const name of type.has.keys()) if (!response.resources.has(name)) type.has.delete(name);
    }
    for (const [name, content] of response.resources) {
      const isWanted = resourceType(kind).isRoot || type.names.has(name);
      if (!isWanted || this.refuses(content) || type.has.get(name) === content) continue;
      type.has.set(name, content);
      if (kind === 'cluster' || kind === 'listener') this.warm(kind, name);
    }
    for (const name of response.removed) type.has.delete(name);
  }

  /** A changed parent waits for its child again, also where that is there and stays as it is. */
  private warm(kind: 'cluster' | 'listener', name: string): void {
    const child = CHILD_KIND[kind];
    // Listeners share the routes that are there.
    if (child === 'route' && this.type('route').has.has(childOf(name))) return;
    this.waiting.add(`${child}/${childOf(name)}`);
    this.type(child).asksAgain = true;
  }

  private refuses(content: string): boolean {
    return content.startsWith('bad') || (content === 'port' && this.machine.isBusy);
  }

  /** What it acknowledged is what it claims on its next stream. */
  private claim({ kind, version, versions, removed }: DecodedResponse): void {
    const type = this.type(kind);
    type.version = version;
    for (const name of removed) type.versions.delete(name);
    for (const [name, one] of versions) {
      if (resourceType(kind).isRoot || type.names.has(name)) type.versions.set(name, one);
    }
  }

  private answer({ response, isRefusal }: Taken): void {
    if (!isRefusal) this.claim(response);
    this.type(response.kind).answers.push({ nonce: response.nonce, isRefusal });
  }

  /** Its children are those of the parents that it has; what nobody waits for or uses is dropped. */
  private followParents(): void {
    for (const kind of ['cluster', 'listener'] as const) {
      const child = this.type(CHILD_KIND[kind]);
      child.names = new Set([...this.type(kind).has.keys()].map(childOf));
      for (const name of [...child.has.keys(), ...child.versions.keys()]) {
        if (!child.names.has(name)) forget(child, name);
      }
      for (const one of this.waiting) {
        const [waited, name = ''] = one.split('/');
        if (waited === CHILD_KIND[kind] && !child.names.has(name)) this.waiting.delete(one);
      }
    }
  }

  /** Says all that is to be said, in Envoy's order. */
  private talk(): void {
    const isWarming = [...this.waiting].some((one) => one.startsWith('endpoint/'));
    if (this.withheld && !isWarming) {
      this.answer(this.withheld);
      this.withheld = null;
    }
    // Listeners follow the first clusters, on whatever stream those become warm.
    const isReady = this.hasClusters && !isWarming;
    this.hasListeners ||= isReady;
    for (const kind of MODEL_KINDS) {
      const isPaused = kind === 'cluster' && isWarming && this.pausing === 'requests';
      if (!isPaused && (kind !== 'listener' || this.hasListeners)) this.talkOf(kind);
    }
  }

  private talkOf(kind: ModelKind): void {
    const type = this.type(kind);
    if (!this.send) return;
    if (type.asked === null) {
      // A first request without names would ask for everything.
      if (!resourceType(kind).isRoot && type.names.size === 0) return;
      this.request(kind, null);
    }
    for (const answer of type.answers.splice(0)) this.request(kind, answer);
    const isNew = type.names.size !== type.asked?.size || [...type.names].some((name) => !type.asked?.has(name));
    if (isNew || (type.asksAgain && this.variant === 'sotw')) this.request(kind, null);
  }

  private request(kind: ModelKind, answer: Answer | null): void {
    const type = this.type(kind);
    const isFirst = type.asked === null;
    const common = {
      typeUrl: resourceType(kind).typeUrl,
      errorDetail: answer?.isRefusal ? { code: 13, message: 'bad' } : null,
      node: null,
    };
    const before = type.asked ?? new Set<string>();
    type.asked = new Set(type.names);
    type.asksAgain = false;
    this.send?.(
      this.variant === 'sotw'
        ? { ...common, responseNonce: type.nonce, versionInfo: type.version, resourceNames: [...type.names] }
        : {
            ...common,
            responseNonce: answer?.nonce ?? '',
            subscribe: [...type.names].filter((name) => !before.has(name)),
            unsubscribe: [...before].filter((name) => !type.names.has(name)),
            initialResourceVersions: isFirst ? new Map(type.versions) : new Map(),
          },
    );
  }

  private bring(name: string): void {
    for (const kind of ['cluster', 'endpoint', 'listener', 'route'] as const) {
      const type = this.type(kind);
      const child = kind === 'cluster' || kind === 'listener' ? name : childOf(name);
      type.has.set(child, 'alien');
      type.versions.set(child, 'alien');
      type.version = 'alien';
    }
    this.hasClusters = true;
    this.followParents();
  }

  private type(kind: ResourceKind): EnvoyType {
    const type = this.types.get(kind as ModelKind);
    if (!type) throw new Error(`the model has no ${kind}`);
    return type;
  }
}

function forget(type: EnvoyType, name: string): void {
  type.has.delete(name);
  type.versions.delete(name);
}
