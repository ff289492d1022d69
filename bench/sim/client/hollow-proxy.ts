import { type Answer, HeldKind } from './held-kind.ts';
import type { Happening } from './history.ts';
import { isRoot, type Kind, KINDS, type Protocol } from './kinds.ts';
import type { Request } from './request.ts';
import type { Resource } from './resource.ts';
import type { Response } from './response.ts';

/** Why a proxy refuses a resource; undefined where it does not. */
export type Taste = (resource: Resource) => string | undefined;

interface Withheld {
  readonly response: Response;
  readonly answer: Answer;
}

/**
 * One process of an Envoy that applies nothing, as a machine without transport (research, envoy-behaviour.md): it asks for clusters, for
 * the endpoints and secrets of those that it has, for listeners once the first clusters are warm, and for their routes. A cluster that is
 * new or changed waits for its endpoints, and the answer to the clusters waits with it. Of a response that it refuses it takes what is
 * good, removes what is to be removed, and claims as before. Everything it gets and says goes into its history.
 */
export class HollowProxy {
  private readonly protocol: Protocol;
  private readonly note: (happening: Happening) => void;
  private readonly kinds: ReadonlyMap<Kind, HeldKind>;
  private send: ((request: Request) => void) | undefined;
  private withheld: Withheld | undefined;
  /** Names of endpoint sets that clusters wait for. */
  private readonly waiting = new Set<string>();
  private hasClusters = false;
  private asksForListeners = false;
  refusalOf: Taste = () => undefined;

  constructor(protocol: Protocol, note: (happening: Happening) => void) {
    this.protocol = protocol;
    this.note = note;
    this.kinds = new Map(KINDS.map((kind) => [kind, new HeldKind(kind, protocol)]));
  }

  /** Says on a new stream what it wants and what it claims to have. */
  connect(send: (request: Request) => void): void {
    this.disconnect();
    this.send = send;
    this.talk();
  }

  disconnect(): void {
    this.send = undefined;
    this.withheld = undefined;
    for (const kind of this.kinds.values()) kind.disconnect();
  }

  receive(response: Response): void {
    const { kind, version, nonce, resources, removed, misnamed } = response;
    const held = this.of(kind);
    held.nonce = nonce;
    const errors = resources.flatMap((resource) => this.refusalOf(resource) ?? []);
    const isRefused = (resource: Resource): boolean => this.refusalOf(resource) !== undefined;
    const changed = held.apply(response, isRefused);
    this.note({
      what: 'got',
      kind,
      version,
      nonce,
      resources: resources.map(({ name, version: hash, detail }) => [name, hash, detail]),
      removed,
      refused: errors.length === 0 ? [] : resources.filter(isRefused).map(({ name }) => name),
      misnamed,
    });
    if (kind === 'cluster') this.warm(changed);
    if (kind === 'endpoint') for (const { name } of resources) this.waiting.delete(name);
    if (kind === 'endpoint') for (const name of removed) this.waiting.delete(name);
    this.followParents();
    // It asks for what it needs before it answers.
    this.talk();
    const answer = { nonce, error: errors[0] };
    if (kind === 'cluster') {
      this.hasClusters = true;
      this.withheld = { response, answer };
    } else this.answer({ response, answer });
    this.talk();
  }

  /** Whether clusters wait for their endpoints, and the answer to them as well. */
  get isWarming(): boolean {
    return this.waiting.size > 0;
  }

  /** Waits no longer, as after Envoy's fifteen seconds. */
  giveUp(): void {
    this.waiting.clear();
    this.talk();
  }

  private warm(changed: readonly Resource[]): void {
    for (const { name } of changed) {
      this.waiting.add(name);
      // Incrementally it counts on being sent them.
      this.of('endpoint').asksAgain = this.protocol === 'sotw';
    }
  }

  private answer({ response, answer }: Withheld): void {
    const held = this.of(response.kind);
    if (answer.error === undefined) held.acknowledge(response);
    held.answers.push(answer);
  }

  /** Wants what the resources that it has refer to. */
  private followParents(): void {
    const names = { endpoint: new Set<string>(), secret: new Set<string>(), route: new Set<string>() };
    for (const parent of ['cluster', 'listener'] as const) {
      for (const { references } of this.of(parent).has.values()) {
        for (const { kind, name } of references) if (kind in names) names[kind as keyof typeof names].add(name);
      }
    }
    for (const [kind, wanted] of Object.entries(names)) this.of(kind as Kind).want(wanted);
    for (const name of this.waiting) if (!names.endpoint.has(name)) this.waiting.delete(name);
  }

  /** Says all that is to be said, in Envoy's order. */
  private talk(): void {
    if (this.withheld && !this.isWarming) {
      this.answer(this.withheld);
      this.withheld = undefined;
    }
    this.asksForListeners ||= this.hasClusters && !this.isWarming;
    for (const kind of this.kinds.values()) {
      if (kind.kind !== 'listener' || this.asksForListeners) this.talkOf(kind);
    }
  }

  private talkOf(held: HeldKind): void {
    if (!this.send) return;
    if (held.asked === undefined) {
      // A first request without names would ask for everything.
      if (!isRoot(held.kind) && held.names.size === 0) return;
      this.say(held, undefined);
    }
    for (const answer of held.answers.splice(0)) this.say(held, answer);
    const isNew = held.names.size !== held.asked?.size || [...held.names].some((name) => !held.asked?.has(name));
    if (isNew || held.asksAgain) this.say(held, undefined);
  }

  private say(held: HeldKind, answer: Answer | undefined): void {
    const { kind } = held;
    const isFirst = held.asked === undefined;
    const before = held.asked ?? new Set<string>();
    const names = [...held.names];
    const subscribe = names.filter((name) => !before.has(name));
    const unsubscribe = [...before].filter((name) => !held.names.has(name));
    const isRepeated = held.asksAgain && !isFirst && !answer;
    const { version, versions } = held.claim;
    held.asked = new Set(held.names);
    held.asksAgain = false;
    if (isFirst || subscribe.length + unsubscribe.length > 0 || isRepeated) {
      const claim = isFirst ? { version, versions: [...versions] } : undefined;
      this.note({ what: 'asked', kind, names, added: subscribe, dropped: unsubscribe, claim });
    }
    if (answer) this.note({ what: 'answered', kind, nonce: answer.nonce, isRefusal: answer.error !== undefined });
    this.send?.({
      kind,
      // Incrementally a nonce without an error is an ACK, whatever else the request says.
      nonce: answer?.nonce ?? (this.protocol === 'sotw' ? held.nonce : ''),
      version,
      names,
      subscribe,
      unsubscribe,
      versions: isFirst ? new Map(versions) : new Map(),
      error: answer?.error,
    });
  }

  private of(kind: Kind): HeldKind {
    const held = this.kinds.get(kind);
    if (!held) throw new Error(`nothing is known of the kind ${kind}`);
    return held;
  }
}
