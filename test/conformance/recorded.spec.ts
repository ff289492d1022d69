import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import { CompiledSnapshot, type EncodedResource, snapshotHash } from '../../src/xds/snapshots/compiled-snapshot.js';
import { DeltaStream } from '../../src/xds/server/delta-stream.js';
import { SotwStream } from '../../src/xds/server/sotw-stream.js';
import { EventLog, type Variant } from '../kit/xds-stream.js';
import { decodeDeltaResponse, decodeSotwResponse } from '../kit/xds-wire.js';

/** What `npm run record:envoy` wrote down. Versions and nonces are labels. */
interface Recorded {
  readonly envoy: string;
  readonly variant: Variant;
  readonly transcripts: readonly Transcript[];
}

interface Transcript {
  readonly scenario: string;
  readonly snapshots: Readonly<Record<string, readonly RecordedResource[]>>;
  readonly steps: readonly Step[];
}

interface RecordedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
  readonly children: readonly string[];
}

type Step =
  | readonly ['assign', string]
  | readonly ['open', number]
  | readonly ['close', number]
  | readonly ['request', number, RecordedRequest]
  | readonly ['response', number, RecordedResponse];

interface RecordedRequest {
  readonly kind: ResourceKind;
  readonly nonce?: string;
  readonly names?: readonly string[];
  readonly version?: string;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly versions?: Readonly<Record<string, string>>;
  readonly error?: string;
}

interface RecordedResponse {
  readonly kind: ResourceKind;
  readonly nonce: string;
  /** State of the world only. */
  readonly version?: string;
  readonly resources?: Readonly<Record<string, string>>;
  readonly removed?: readonly string[];
}

const folder = new URL('transcripts/', import.meta.url);
const recordings = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded);

/** A name and version is all that a stream looks at, so the bytes are the version. */
function compiled(set: readonly RecordedResource[]): CompiledSnapshot {
  const resources = set.map(({ kind, name, version, children }): EncodedResource => {
    const references = children.map((child) => child.split('/') as [ResourceKind, string]);
    const value = Buffer.from(`${name}:${version}`);
    return { kind, name, version, value, children: references.map(([of, child]) => ({ kind: of, name: child })) };
  });
  return new CompiledSnapshot(snapshotHash(resources), resources);
}

/** Says the requests of a transcript to the machines, and checks each answer against the recorded one. */
class Replay {
  private readonly snapshots = new Map<string, CompiledSnapshot | null>([['none', null]]);
  private readonly streams = new Map<number, SotwStream | DeltaStream>();
  private readonly answers = new Map<number, RecordedResponse[]>();
  /** What stands for a recorded label here. */
  private readonly real = new Map<string, string>();
  private assigned: CompiledSnapshot | null | undefined;

  constructor(
    private readonly variant: Variant,
    transcript: Transcript,
  ) {
    for (const [name, set] of Object.entries(transcript.snapshots)) this.snapshots.set(name, compiled(set));
  }

  /** Does a step; of a response, that it is the next one that the machine gave. */
  step(step: Step): void {
    if (step[0] === 'assign') this.assign(step[1]);
    else if (step[0] === 'open') this.open(step[1]);
    else if (step[0] === 'close') this.streams.get(step[1])?.close();
    else if (step[0] === 'request') this.request(step[1], step[2]);
    else this.compare(step[1], step[2]);
  }

  /** Answers that were not recorded. */
  get surplus(): RecordedResponse[] {
    return [...this.answers.values()].flat();
  }

  private assign(name: string): void {
    this.assigned = this.snapshots.get(name);
    for (const stream of this.streams.values()) if (this.assigned !== undefined) stream.serve(this.assigned);
  }

  private open(number: number): void {
    const answers: RecordedResponse[] = [];
    this.answers.set(number, answers);
    const sink = {
      send: (frame: Buffer): boolean => {
        const read = this.variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame);
        const { kind, nonce, version, resources, removed } = read;
        answers.push({ kind, nonce, version, resources: Object.fromEntries(resources), removed });
        return true;
      },
    };
    const log = new EventLog();
    const stream = this.variant === 'sotw' ? new SotwStream(sink, log) : new DeltaStream(sink, log);
    this.streams.set(number, stream);
    if (this.assigned !== undefined) stream.serve(this.assigned);
  }

  private request(number: number, recorded: RecordedRequest): void {
    const { kind, nonce = '', names = [], version = '', subscribe = [], unsubscribe = [], error } = recorded;
    const common = {
      typeUrl: resourceType(kind).typeUrl,
      responseNonce: this.of(nonce),
      errorDetail: error === undefined ? null : { code: 13, message: error },
      node: null,
    };
    const stream = this.streams.get(number)!;
    if (stream instanceof SotwStream) {
      stream.onRequest({ ...common, versionInfo: this.of(version), resourceNames: names });
    } else {
      const initialResourceVersions = new Map(Object.entries(recorded.versions ?? {}));
      stream.onRequest({ ...common, subscribe, unsubscribe, initialResourceVersions });
    }
  }

  private compare(number: number, recorded: RecordedResponse): void {
    const answer = this.answers.get(number)!.shift();
    const { kind, nonce, version = '', resources = {}, removed = [] } = recorded;
    expect(answer && { ...answer, version: '', nonce: '' }).toEqual({
      kind,
      resources,
      removed,
      version: '',
      nonce: '',
    });
    this.real.set(nonce, answer!.nonce);
    if (this.variant === 'delta') return;
    // An equal label is an equal version, of this stream or another.
    expect(answer!.version).toBe(this.real.get(version) ?? answer!.version);
    this.real.set(version, answer!.version ?? '');
  }

  private of(label: string): string {
    return label === '' ? '' : (this.real.get(label) ?? label);
  }
}

describe.each(recordings)('what an Envoy $envoy said, $variant', ({ variant, transcripts }) => {
  it.each(transcripts)('is answered as it was: $scenario', (transcript) => {
    const replay = new Replay(variant, transcript);
    for (const step of transcript.steps) replay.step(step);
    expect(replay.surplus).toEqual([]);
  });
});
