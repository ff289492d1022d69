import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication, FastifyAdapter } from '@nestjs/platform-fastify';
import type { XdsWriter } from '../../src/common/config/config.js';
import { AdsController } from '../../src/xds/server/ads.controller.js';
import { Connections } from '../../src/xds/server/connections.js';
import { Drain } from '../../src/xds/server/drain.js';
import { XdsGrpcServer } from '../../src/xds/server/grpc-server.js';
import { OpenStreams } from '../../src/xds/server/open-streams.js';
import {
  type AttachedStream,
  type PeerProof,
  type ProxyIdentity,
  type ServedStream,
  StreamAuthenticator,
  StreamHost,
  StreamRefusal,
} from '../../src/xds/server/ports.js';
import { SeparateServicesController } from '../../src/xds/server/separate-services.controller.js';
import { ServerStats } from '../../src/xds/server/server-stats.js';
import { type AdmissionLimits, StreamAdmission } from '../../src/xds/server/stream-admission.js';
import type { CompiledSnapshot } from '../../src/xds/snapshots/compiled-snapshot.js';
import { EventLog } from './xds-stream.js';

/** The identity behind the token "good"; any other token that is not refused is the node id of a proxy of its own. */
export const IDENTITY: ProxyIdentity = {
  tenantId: 't',
  proxyId: 'p',
  nodeId: 'p1',
  credentialId: 'c',
  credentialEpoch: 1,
};

/** Lets everybody in but for a few tokens, each of which is refused in another way. */
export class TestAuthenticator extends StreamAuthenticator {
  readonly refusals: string[] = [];
  /** Resolved by the test to let authentication go on. */
  gate: Promise<void> = Promise.resolve();
  asked = 0;

  override async authenticate({ token }: PeerProof): Promise<ProxyIdentity> {
    this.asked++;
    await this.gate;
    if (token === undefined) throw new StreamRefusal('unauthenticated', 'a bearer token is required');
    if (token === 'revoked') throw new StreamRefusal('permission_denied', 'the credential was revoked');
    if (token === 'away') throw new StreamRefusal('unavailable', 'the database is away');
    if (token === 'bug') throw new Error('a bug with a secret in its message');
    return token === 'good' ? IDENTITY : { ...IDENTITY, proxyId: token, nodeId: token, credentialId: token };
  }

  override refused(_identity: ProxyIdentity, reason: string): void {
    this.refusals.push(reason);
  }
}

/** A stream that the host was given, and what it was told of it. */
export class HostedStream extends EventLog implements AttachedStream {
  isRecorded = true;
  detachedTimes = 0;
  readonly detachment: Promise<void>;
  private resolve!: () => void;

  constructor(readonly stream: ServedStream) {
    super();
    this.detachment = new Promise((resolve) => (this.resolve = resolve));
  }

  detached(): void {
    this.detachedTimes++;
    this.resolve();
  }
}

/** Serves each proxy what the test assigns to it, or else what it serves to all. */
export class TestHost extends StreamHost {
  readonly hosted: HostedStream[] = [];
  serving: CompiledSnapshot | null | undefined;
  whileAttaching: (stream: ServedStream) => void = () => undefined;
  private readonly assigned = new Map<string, CompiledSnapshot | null>();

  override attach(stream: ServedStream): AttachedStream {
    const hosted = new HostedStream(stream);
    this.hosted.push(hosted);
    this.whileAttaching(stream);
    const { nodeId } = stream.identity;
    const snapshot = this.assigned.has(nodeId) ? this.assigned.get(nodeId) : this.serving;
    if (snapshot !== undefined) stream.serve(snapshot);
    return hosted;
  }

  /** Has all streams of a proxy served a snapshot, those to come too. */
  assign(nodeId: string, snapshot: CompiledSnapshot | null): void {
    this.assigned.set(nodeId, snapshot);
    for (const { stream } of this.of(nodeId)) stream.serve(snapshot);
  }

  /** The streams of a proxy, the newest last. */
  of(nodeId: string): HostedStream[] {
    return this.hosted.filter(({ stream }) => stream.identity.nodeId === nodeId);
  }
}

/** More than any test opens, but for those that are about it. */
export interface TestLimits extends AdmissionLimits {
  readonly connections: number;
}

const LIMITS: TestLimits = { streams: 10_000, connections: 10_000, waiting: 10_000, loopDelay: 60_000 };

@Module({
  controllers: [AdsController, SeparateServicesController],
  providers: [
    OpenStreams,
    ServerStats,
    { provide: 'limits', useValue: LIMITS },
    {
      provide: StreamAdmission,
      inject: [ServerStats, 'limits'],
      useFactory: (stats: ServerStats, limits: TestLimits) => new StreamAdmission(limits, stats, { current: 0 }),
    },
    {
      provide: Connections,
      inject: [ServerStats, 'limits'],
      useFactory: (stats: ServerStats, limits: TestLimits) => new Connections(limits.connections, stats),
    },
    { provide: StreamAuthenticator, useClass: TestAuthenticator },
    { provide: StreamHost, useClass: TestHost },
  ],
})
export class XdsTestModule {}

interface TestServerOptions {
  readonly writer?: XdsWriter;
  readonly limits?: Partial<TestLimits>;
}

/** The xDS server as it is, gRPC and all, with a host and an authenticator that do what the test says. */
export class XdsTestServer {
  private constructor(
    readonly app: INestApplication,
    readonly grpc: XdsGrpcServer,
  ) {}

  static async start({ writer = 'preframed', limits = {} }: TestServerOptions = {}): Promise<XdsTestServer> {
    const module = {
      module: XdsTestModule,
      providers: [{ provide: 'limits', useValue: { ...LIMITS, ...limits } }],
    };
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
    const grpc = new XdsGrpcServer({ host: '127.0.0.1', port: 0, writer, connections: app.get(Connections) });
    app.connectMicroservice({ strategy: grpc });
    await app.startAllMicroservices();
    return new XdsTestServer(app, grpc);
  }

  get port(): number {
    return this.grpc.address.port;
  }

  get host(): TestHost {
    return this.app.get(StreamHost);
  }

  get authenticator(): TestAuthenticator {
    return this.app.get(StreamAuthenticator);
  }

  get stats(): ServerStats {
    return this.app.get(ServerStats);
  }

  /** What hands its streams over, within that time. */
  drain(timeMs: number): Drain {
    const streams = this.app.get(OpenStreams);
    const leave = (): void => {
      this.app.get(StreamAdmission).stop();
      this.grpc.leave();
    };
    return new Drain({ leave, streams: () => streams }, timeMs);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}
