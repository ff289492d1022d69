import { type AddressInfo, createServer, type Server as Listener } from 'node:net';
import { type ChannelOptions, Server, ServerCredentials } from '@grpc/grpc-js';
import { ServerGrpc } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import type { XdsWriter } from '../../common/config/config.js';
import type { SecuredConnections } from '../../common/tls/secured-connections.js';
import { CSDS_DEFINITION, CSDS_PACKAGE, CSDS_SERVICE } from '../csds/csds-definition.js';
import { LRS_DEFINITION, LRS_PACKAGE, LRS_SERVICE } from '../lrs/lrs-definition.js';
import { METRICS_DEFINITION, METRICS_PACKAGE, METRICS_SERVICE } from '../metrics/metrics-definition.js';
import type { Connections } from './connections.js';
import { DISCOVERY_DEFINITION, DISCOVERY_PACKAGES, DISCOVERY_SERVICES } from './discovery-services.js';
import { usePreframedWriter } from './preframed-writer.js';
import { makeRoomForCopies } from './room-for-copies.js';
import { forgetSpentMessages } from './spent-messages.js';

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 for any free one; see {@link XdsGrpcServer.address}. */
  readonly port: number;
  /** Plaintext without it. */
  readonly tls?: SecuredConnections;
  /** How responses are written: by the public API of grpc-js, or without its copy for each stream where that can be had. */
  readonly writer: XdsWriter;
  readonly connections: Connections;
  /** Milliseconds after which a connection is told to go, give or take a tenth; it ends with its last stream. Never without it. */
  readonly connectionAge?: number;
}

/** Raised where the server cannot listen; the message is one sentence for the operator. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
}

/** Connections that may wait to be accepted: after a restart thousands of proxies come back at once. */
const LISTEN_BACKLOG = 4_096;
/** How long streams have to take their last status before their connections are cut. */
const CLOSE_GRACE_MS = 1_000;

/** What health is told of: the server as a whole, and each of its services. */
const HEALTH_NAMES = ['', ...DISCOVERY_SERVICES, CSDS_SERVICE, LRS_SERVICE, METRICS_SERVICE];

const SERVER_OPTIONS: ChannelOptions = {
  // A reconnecting client lists what it has: 20,000 names of 300 bytes with versions of 64 are 8 MB, over the 4 MB that gRPC
  // takes by default (research/xds.md, R22).
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  // A peer that vanished without a word is noticed within 40 s.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Of one connection. An Envoy needs one for ADS, or some for services of their own, and a few for health checks.
  'grpc.max_concurrent_streams': 1_000,
  'grpc.enable_channelz': 0,
};

/**
 * Nest's gRPC transport on a listener of our own: grpc-js gives no listen backlog, and a bind that fails inside it is thrown
 * where nobody can catch it. It also answers `grpc.health.v1.Health`.
 */
export class XdsGrpcServer extends ServerGrpc {
  /** SERVING until told otherwise; NOT_SERVING from the moment the server closes. */
  readonly health = new HealthImplementation(Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'SERVING'])));
  /** Connections that were ever accepted. */
  accepted = 0;
  /** How responses are written, once it listens. */
  writer: XdsWriter = 'public';
  private listener: Listener | null = null;
  private closed: Promise<void> | undefined;

  constructor(private readonly listenOptions: GrpcServerOptions) {
    super({
      package: [...DISCOVERY_PACKAGES, CSDS_PACKAGE, LRS_PACKAGE, METRICS_PACKAGE],
      packageDefinition: { ...DISCOVERY_DEFINITION, ...CSDS_DEFINITION, ...LRS_DEFINITION, ...METRICS_DEFINITION },
    });
  }

  /** Where the server listens. */
  get address(): AddressInfo {
    const address = this.listener?.address();
    if (!address || typeof address === 'string') throw new Error('the xDS server does not listen');
    return address;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.listenOptions.connections.count;
  }

  /** @throws CannotListen */
  override async createClient(): Promise<Server> {
    await this.useWriter();
    if (!(await forgetSpentMessages()))
      this.logger.warn('this grpc-js keeps the last message of each stream in memory');
    const { tls, connections, connectionAge } = this.listenOptions;
    const server = new Server({
      ...SERVER_OPTIONS,
      ...(connectionAge !== undefined && { 'grpc.max_connection_age_ms': connectionAge }),
    });
    this.health.addToServer(server);
    // TLS is under it already where there is any: grpc-js would tell nobody the certificates of peers that no CA vouches for.
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    tls?.onSecured((socket) => injector.injectConnection(socket));
    const listener = createServer({ noDelay: true }, (socket) => {
      if (!connections.take(socket)) return;
      this.accepted += 1;
      if (tls) tls.take(socket);
      else injector.injectConnection(socket);
    });
    await this.listenOn(listener);
    this.listener = listener;
    return server;
  }

  /** Is ready no more, takes no connections, and says GOAWAY to those that it has: each ends with its last stream. */
  leave(): void {
    const { listener } = this;
    if (!listener || this.closed) return;
    for (const name of HEALTH_NAMES) this.health.setStatus(name, 'NOT_SERVING');
    this.closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    // Its callback is of no use: it may come before connections are closed.
    (this.grpcClient as Server | null)?.tryShutdown(() => undefined);
  }

  /** Leaves, lets streams that were ended take their status, then cuts what is left. */
  override async close(): Promise<void> {
    this.leave();
    const server = this.grpcClient as Server | null;
    this.grpcClient = null;
    this.listener = null;
    if (!server) return;
    const grace = setTimeout(() => this.listenOptions.connections.cut(), CLOSE_GRACE_MS);
    await this.closed;
    clearTimeout(grace);
    server.forceShutdown();
  }

  private async useWriter(): Promise<void> {
    if (this.listenOptions.writer === 'preframed') {
      if (await usePreframedWriter()) {
        this.writer = 'preframed';
        return;
      }
      this.logger.warn('this grpc-js cannot write shared frames; each response is copied for each stream');
    }
    makeRoomForCopies();
  }

  private async listenOn(listener: Listener): Promise<void> {
    const { host, port } = this.listenOptions;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(`${host}:${port}`, error)));
      listener.listen({ host, port, backlog: LISTEN_BACKLOG }, resolve);
    });
    listener.removeAllListeners('error');
    // What fails on a listener that listens is one connection, such as one too many open files: the server goes on.
    listener.on('error', (error) => {
      this.logger.error(error);
    });
  }
}

function cannotListen(address: string, error: NodeJS.ErrnoException): CannotListen {
  const reason = error.code === 'EADDRINUSE' ? 'the address is in use' : error.message;
  return new CannotListen(`Cannot listen for xDS on ${address}: ${reason}.`, { cause: error });
}
