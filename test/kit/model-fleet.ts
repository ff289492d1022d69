import type { CompiledSnapshot } from '../../src/xds/snapshots/compiled-snapshot.js';
import { holdingOf } from '../../src/xds/server/holdings.js';
import { versionOf } from '../../src/xds/server/sotw-stream.js';
import type { ForeignClaim } from '../../src/xds/server/stream-observer.js';
import { ModelLink, ModelReplica, ModelRows, settled } from './model-control-plane.js';
import { CHILD_KIND, childOf, type Machine, MODEL_KINDS, ModelEnvoy, type ModelKind } from './model-envoy.js';
import { resource, snapshot, type Variant } from './xds-stream.js';

/** Histories per property; `PROPERTY_RUNS=10000 npm run test:unit -- --testPathPatterns=histories` for a long look. */
export const PROPERTY_RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);

export type ModelContent = readonly [kind: ModelKind, name: string, content: string];

export type HistoryStep =
  | { readonly do: 'assign'; readonly contents: readonly ModelContent[] }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly name: string }
  | { readonly do: 'up'; readonly link: number; readonly count: number }
  | { readonly do: 'down' | 'exchange'; readonly count: number }
  | { readonly do: 'break'; readonly replica: number; readonly lost: number }
  | { readonly do: 'restart' | 'alien'; readonly replica: number }
  | { readonly do: 'crash' | 'look' | 'flush' | 'hold'; readonly replica: number }
  | {
      readonly do:
        'notice' | 'offer' | 'busy' | 'free' | 'block' | 'unblock' | 'takeOver' | 'back' | 'expire' | 'quieten';
    };

/** How a history goes on where nothing in it says so. */
export interface HistoryManner {
  readonly variant: Variant;
  /** What a cluster that warms holds back; see `ModelEnvoy`. */
  readonly pausing: 'requests' | 'answers';
  /** Whether replicas do what they have to after each request, or after all that have come. */
  readonly pace: 'one by one' | 'at once';
}

/** A snapshot of these contents, in which every cluster and listener comes with what it waits for. */
export function modelSnapshot(contents: readonly ModelContent[]): CompiledSnapshot {
  const all = new Map<string, ReturnType<typeof resource>>();
  for (const [kind, name, content] of contents) {
    const child = kind === 'cluster' || kind === 'listener' ? ([`${CHILD_KIND[kind]}/${childOf(name)}`] as const) : [];
    all.set(`${kind}/${name}`, resource(kind, name, content, child));
  }
  for (const { children } of [...all.values()]) {
    for (const { kind, name } of children) {
      if (!all.has(`${kind}/${name}`)) all.set(`${kind}/${name}`, resource(kind, name));
    }
  }
  return snapshot(...all.values());
}

/** What a process has otherwise than a snapshot says, in words; of the kinds that it asks for by name, of what it asks for. */
export function differences(
  envoy: ModelEnvoy,
  content: CompiledSnapshot,
  kinds: readonly ModelKind[] = MODEL_KINDS,
): string[] {
  return kinds.flatMap((kind) => {
    const isWhole = kind === 'cluster' || kind === 'listener';
    const has = envoy.has(kind);
    const wanted = [...content.resources(kind).values()].filter(({ name }) => isWhole || envoy.names(kind).has(name));
    const differing = wanted.filter(({ name, value }) => has.get(name) !== String(value).slice(name.length + 1));
    // In state of the world the absence of a runtime layer says nothing, so a client keeps it.
    const mayHaveMore = kind === 'runtime' && envoy.variant === 'sotw';
    const more = mayHaveMore ? [] : [...has.keys()].filter((name) => !wanted.some((one) => one.name === name));
    return [
      ...differing.map(({ name, value }) => `${kind} ${name} is ${has.get(name) ?? 'missing'}, not ${String(value)}`),
      ...more.map((name) => `${kind} ${name} is there`),
    ];
  });
}

/** An Envoy, two replicas that serve it, and what they keep of it; everything happens when a step says so. */
export class ModelFleet {
  readonly rows = new ModelRows();
  readonly replicas = [new ModelReplica(this.rows), new ModelReplica(this.rows)];
  readonly machine: Machine = { isBusy: false };
  envoy: ModelEnvoy;
  link: ModelLink;
  sends = 0;
  /** What went against the promises, in words. */
  readonly wrongs: string[] = [];
  /** Processes that came from elsewhere and were accepted. */
  private readonly accepted = new WeakSet<ModelEnvoy>();
  /** Which process opened a stream. */
  private readonly openers = new Map<string, ModelEnvoy>();
  /** Streams of replicas that died, which count as live until somebody ends them. */
  private readonly orphans: string[] = [];
  private links: { readonly link: ModelLink; readonly replica: ModelReplica }[] = [];
  private processes = 0;
  private opened = 0;

  constructor(private readonly manner: HistoryManner) {
    this.envoy = this.start(null);
    this.link = this.open(0);
  }

  async step(step: HistoryStep): Promise<void> {
    switch (step.do) {
      case 'assign':
        this.assign(modelSnapshot(step.contents));
        break;
      case 'subscribe':
      case 'unsubscribe':
        this.envoy.want(step.name, step.do);
        break;
      case 'up': {
        const link = this.links[step.link % Math.max(this.links.length, 1)]?.link;
        for (let i = 0; i < step.count; i++) link?.deliverUp();
        break;
      }
      case 'down':
        for (let i = 0; i < step.count; i++) this.link.deliverDown();
        break;
      case 'exchange':
        await this.exchange(step.count);
        break;
      case 'break':
        this.link.up.splice(Math.max(0, this.link.up.length - step.lost));
        this.reopen(step.replica);
        break;
      case 'restart':
      case 'alien':
        this.envoy = this.start(step.do === 'alien' ? ['a', 'x'] : null);
        this.reopen(step.replica);
        break;
      default:
        await this.replicaStep(step);
    }
    await settled();
    this.links = this.links.filter(({ link }) => link.isOpen);
    this.checkStanding();
  }

  private async replicaStep(step: HistoryStep): Promise<void> {
    switch (step.do) {
      case 'crash':
        await this.crash(step.replica);
        break;
      case 'look':
        await this.replicas[step.replica]?.look();
        break;
      case 'flush':
        await this.replicas[step.replica]?.ledger.flush();
        break;
      case 'hold':
        this.replicas[step.replica]?.holdRefused();
        break;
      case 'notice':
        this.links.find(({ link }) => !link.isHeard)?.link.end();
        break;
      case 'offer':
        this.rows.release(this.rows.assigned);
        break;
      default:
        await this.surroundings(step);
    }
  }

  private async surroundings(step: HistoryStep): Promise<void> {
    switch (step.do) {
      case 'busy':
      case 'free':
        this.machine.isBusy = step.do === 'busy';
        break;
      case 'block':
      case 'unblock':
        this.link.setFull(step.do === 'block');
        break;
      case 'takeOver':
        this.takeOver();
        break;
      case 'back':
        this.goBack();
        break;
      case 'expire':
        this.expire();
        break;
      case 'quieten':
        await this.quieten();
        break;
      default:
        break;
    }
  }

  assign(content: CompiledSnapshot): void {
    this.rows.assign(content);
    // Whoever assigns something to a proxy that is seen to be unmanaged takes it over.
    for (const { link } of this.links) if (link.isUnmanaged) this.accepted.add(link.envoy);
    if (this.rows.takenOver) this.accept();
  }

  /** Assigns again what it had in full last, if it ever had anything. */
  goBack(): void {
    const good = this.rows.snapshots.get(this.rows.good ?? '');
    if (good) this.assign(good);
  }

  takeOver(): void {
    this.rows.takeOver();
    if (this.rows.takenOver) this.accept();
  }

  /** Breaks the stream and opens another; the old one's end is not seen yet. */
  reopen(replica: number): void {
    this.link.leave();
    this.link = this.open(replica);
  }

  /** Lets everything happen that is to come: all frames, looks, writes and ends. */
  async quieten(): Promise<void> {
    this.link.setFull(false);
    this.expire();
    for (let round = 0; round < 200; round++) {
      let isBusy = false;
      for (const replica of this.replicas) {
        isBusy = replica.holdRefused() || isBusy;
        await replica.ledger.flush();
        await replica.look();
      }
      for (const { link } of this.links) {
        while (link.deliverUp()) {
          isBusy = true;
          if (this.manner.pace === 'one by one') await settled();
        }
        if (!link.isHeard) link.end();
      }
      while (this.link.deliverDown()) isBusy = true;
      await settled();
      this.link.check(this.rows);
      const isUnwritten = this.replicas.some(({ ledger }) => ledger.backlog > 0);
      if (this.link.up.length + this.link.down.length > 0 || isUnwritten || isBusy) continue;
      const waited = this.envoy.giveUp();
      if (waited.length === 0) return;
      this.complainOf(waited);
    }
    this.wrongs.push('it never becomes quiet');
  }

  async stop(): Promise<void> {
    for (const { link } of this.links) link.end();
    for (const replica of this.replicas) await replica.die();
  }

  /** True for a process from elsewhere that waits for somebody to accept it. */
  get isAlien(): boolean {
    return this.envoy.alien !== null && (!this.accepted.has(this.envoy) || this.link.frozenBy !== null);
  }

  /** What is decided for a proxy holds for all its processes whose streams are open. */
  private accept(): void {
    for (const { link } of this.links) this.accepted.add(link.envoy);
  }

  /** The usual course: replicas look, requests arrive at once, and responses one by one. */
  private async exchange(responses: number): Promise<void> {
    for (const replica of this.replicas) await replica.look();
    for (let i = 0; i < responses; i++) {
      while (this.link.deliverUp());
      await settled();
      this.link.deliverDown();
    }
  }

  /** Fifteen seconds of no service, for something that could have been sent. */
  private complainOf(waited: readonly string[]): void {
    // With clusters refused and nothing good to go back to, listeners keep what they have, or wait.
    if (this.isAlien || this.rows.isHeld(this.rows.served)) return;
    const served = this.rows.served === null ? undefined : this.rows.snapshots.get(this.rows.served);
    const missed = waited.filter((one) => {
      const [kind, name = ''] = one.split('/');
      return served?.resources(kind as ModelKind).has(name);
    });
    if (missed.length > 0) this.wrongs.push(`waits in vain for ${missed.join()}`);
  }

  private async crash(index: number): Promise<void> {
    const replica = this.replicas[index];
    if (!replica) return;
    await replica.die();
    const lost = this.links.filter((one) => one.replica === replica);
    for (const { link } of lost) {
      link.end();
      this.orphans.push(link.id);
    }
    this.replicas[index] = new ModelReplica(this.rows);
    this.links = this.links.filter((one) => one.replica !== replica);
    if (!this.link.isOpen) this.reopen(1 - index);
  }

  private start(alien: readonly string[] | null): ModelEnvoy {
    const { variant, pausing } = this.manner;
    const envoy = new ModelEnvoy(variant, `boot ${++this.processes}`, this.machine, alien, pausing);
    if (this.rows.takenOver) this.accepted.add(envoy);
    return envoy;
  }

  private open(index: number): ModelLink {
    const replica = this.replicas[index] ?? this.replicas[0];
    if (!replica) throw new Error('there is no replica');
    const link = new ModelLink(replica, this.envoy, ++this.opened, {
      sent: (one) => this.sent(one),
      converged: (one, hash) => this.converged(one, hash),
      frozen: (one, claim) => this.frozen(one, claim),
    });
    this.links.push({ link, replica });
    this.openers.set(link.id, this.envoy);
    return link;
  }

  private sent(link: ModelLink): void {
    this.sends += 1;
    if (link.envoy.alien !== null && !this.accepted.has(link.envoy)) this.wrongs.push('an alien was sent something');
    if (link.overlaps > 0) this.wrongs.push('two responses of a type wait for their answers');
  }
  /** Deployments wait for it, so it must be true. */
  private converged(link: ModelLink, hash: string): void {
    const content = this.rows.snapshots.get(hash);
    if (!content || link !== this.link) return;
    // What it says next may be that it wants more by name.
    const kinds = link.up.length === 0 ? MODEL_KINDS : (['cluster', 'listener'] as const);
    const wrong = differences(link.envoy, content, kinds);
    if (wrong.length > 0) this.wrongs.push(`taken to have what it has not: ${wrong.join()}`);
  }

  /** Whatever the rows say at any time, of the process that they say it of, is true; also right after another assignment. */
  private checkStanding(): void {
    const { standing } = this.rows;
    if (!standing?.converged || standing.converged !== this.rows.assigned) return;
    const content = this.rows.snapshots.get(standing.converged);
    if (!content || this.openers.get(standing.streamId) !== this.envoy) return;
    const wrong = differences(this.envoy, content, ['cluster', 'endpoint', 'listener', 'route']);
    if (wrong.length > 0) this.wrongs.push(`judged to have what it has not: ${wrong.join()}`);
  }

  /** The leases of replicas that died are over. */
  private expire(): void {
    for (const id of this.orphans.splice(0)) this.rows.end(id);
  }

  /** Of all that was stored, what it had in full last is never from elsewhere. */
  private frozen(link: ModelLink, { kind, versions }: ForeignClaim): void {
    const good = this.rows.snapshots.get(link.goodWhenServed ?? '')?.resources(kind);
    if (!good) return;
    const known =
      this.manner.variant === 'delta'
        ? [...good.values()].map(({ version }) => version)
        : [versionOf(new Map([...good.values()].map((one) => [one.name, holdingOf(one)])))];
    if (versions.some((one) => known.includes(one))) this.wrongs.push('frozen by what it had in full');
  }
}
