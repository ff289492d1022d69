import { now } from '../../xds/client/clock.ts';
import { Random } from '../random.ts';
import type { HistoryEvent } from './history.ts';
import { HollowProxy } from './hollow-proxy.ts';
import type { Protocol } from './kinds.ts';
import { Link } from './link.ts';
import { nodeOf } from './node.ts';
import { encodeRequest } from './request.ts';
import type { Resource } from './resource.ts';
import { readResponse, type Response } from './response.ts';

/** How a proxy behaves other than it should. */
export interface Behaviour {
  /** Refuses what is poisoned. */
  readonly isPicky: boolean;
  /** Takes so long for everything that it is sent. */
  readonly delayMs: number;
}

export interface MemberOptions {
  readonly id: string;
  readonly nodeId: string;
  readonly token: string;
  readonly protocol: Protocol;
  readonly behaviour: Behaviour;
}

export interface HollowFleetOptions {
  readonly members: readonly MemberOptions[];
  /** Ports of the replicas; each stream goes to any of them. */
  readonly ports: readonly number[];
  readonly seed: number;
}

/** What happened to a proxy since it was last asked for. */
export interface Chapter {
  readonly id: string;
  readonly events: readonly HistoryEvent[];
  readonly isConnected: boolean;
}

/** What proxies are done to; `keepalive` ends connections that say nothing. */
export type Misfortune = 'cut' | 'silence' | 'restart' | 'keepalive';

/** Where Envoy gives up waiting for endpoints. */
const WARMING_MS = 15_000;
/** How long one waits whose stream ended. */
const BACKOFF_MS = { from: 200, to: 1000 };
/** Connections opened before others get their turn on the event loop. */
const OPENED_AT_ONCE = 50;

const CLOCK_OFFSET = Date.now() - now();
/** Milliseconds since 1970, which never go back. */
const wallClock = (): number => CLOCK_OFFSET + now();

/** One proxy with its connection. */
class Member {
  readonly options: MemberOptions;
  private readonly ports: readonly number[];
  private readonly random: Random;
  private events: HistoryEvent[] = [];
  private proxy: HollowProxy;
  private processes = 0;
  private link: Link | undefined;
  private isSilent = false;
  private warmingSince: number | undefined;
  private retry: NodeJS.Timeout | undefined;

  constructor(options: MemberOptions, ports: readonly number[], random: Random) {
    this.options = options;
    this.ports = ports;
    this.random = random;
    this.proxy = this.newProcess();
  }

  get isConnected(): boolean {
    return this.link !== undefined && !this.isSilent;
  }

  connect(): void {
    this.disconnect();
    const { protocol, token, nodeId, id } = this.options;
    const replica = this.random.below(this.ports.length);
    this.note({ what: 'opened', replica, process: this.processes });
    const link = new Link(this.ports[replica] ?? 0, protocol, token, {
      onMessage: (message) => this.receive(link, readResponse(protocol, message)),
      onEnd: (why) => this.lost(why),
    });
    this.link = link;
    let node = nodeOf(nodeId, `${id}/${this.processes}`);
    this.proxy.connect((request) => {
      link.send(encodeRequest(protocol, request, node));
      node = [];
    });
  }

  suffer(misfortune: Misfortune): void {
    switch (misfortune) {
      case 'silence':
        if (!this.isConnected) return;
        this.isSilent = true;
        this.link?.fallSilent();
        this.note({ what: 'fell silent' });
        return;
      case 'keepalive':
        if (this.isSilent) this.comeBack('the keepalive was not answered');
        return;
      case 'cut':
        if (this.isConnected) this.comeBack('it was cut');
        return;
      case 'restart':
        this.link?.cut();
        this.disconnect();
        this.note({ what: 'restarted' });
        this.processes += 1;
        this.proxy = this.newProcess();
        this.connect();
    }
  }

  /** Gives up waiting for endpoints that do not come. */
  look(at: number): void {
    if (!this.proxy.isWarming || !this.isConnected) this.warmingSince = undefined;
    else if (at - (this.warmingSince ??= at) > WARMING_MS) this.proxy.giveUp();
  }

  takeEvents(): HistoryEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  close(): void {
    this.link?.cut();
    this.disconnect();
  }

  /** Where it was silent, the server goes on believing that the stream is there. */
  private comeBack(why: string): void {
    if (!this.isSilent) this.link?.cut();
    this.note({ what: 'ended', why });
    this.connect();
  }

  private lost(why: string): void {
    this.disconnect();
    this.note({ what: 'ended', why });
    this.retry = setTimeout(() => this.connect(), this.random.between(BACKOFF_MS.from, BACKOFF_MS.to));
  }

  private disconnect(): void {
    clearTimeout(this.retry);
    this.link = undefined;
    this.isSilent = false;
    this.proxy.disconnect();
  }

  private receive(link: Link, response: Response): void {
    const take = (): void => {
      if (this.link === link && !this.isSilent) this.proxy.receive(response);
    };
    if (this.options.behaviour.delayMs === 0) take();
    else setTimeout(take, this.options.behaviour.delayMs);
  }

  private newProcess(): HollowProxy {
    const proxy = new HollowProxy(this.options.protocol, (event) => this.note(event));
    if (this.options.behaviour.isPicky) {
      proxy.refusalOf = ({ isPoisoned, name }: Resource) => (isPoisoned ? `${name} does not taste good` : undefined);
    }
    return proxy;
  }

  private note(event: Parameters<ConstructorParameters<typeof HollowProxy>[1]>[0]): void {
    this.events.push({ at: wallClock(), ...event });
  }
}

/** Proxies of one process, each with a stream of its own to some replica; what happens to them is kept until somebody takes it. */
export class HollowFleet {
  private readonly members: readonly Member[];
  private readonly byId: ReadonlyMap<string, Member>;
  private readonly timer: NodeJS.Timeout;

  constructor({ members, ports, seed }: HollowFleetOptions) {
    this.members = members.map((each, i) => new Member(each, ports, new Random(seed * 100_003 + i)));
    this.byId = new Map(this.members.map((member) => [member.options.id, member]));
    this.timer = setInterval(() => {
      for (const member of this.members) member.look(now());
    }, 1000);
  }

  async open(): Promise<void> {
    for (const [i, member] of this.members.entries()) {
      member.connect();
      if (i % OPENED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  strike(misfortune: Misfortune, ids: readonly string[]): void {
    for (const id of ids) this.byId.get(id)?.suffer(misfortune);
  }

  take(): Chapter[] {
    return this.members.map((member) => ({
      id: member.options.id,
      events: member.takeEvents(),
      isConnected: member.isConnected,
    }));
  }

  close(): void {
    clearInterval(this.timer);
    for (const member of this.members) member.close();
  }
}
