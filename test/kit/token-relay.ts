import {
  Client,
  credentials,
  Metadata,
  type handleBidiStreamingCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const METHODS = ['StreamAggregatedResources', 'DeltaAggregatedResources'];
const bytes = (message: Buffer): Buffer => message;

/** Where a relay sends its streams, and the credential it shows there. */
export interface RelayTarget {
  readonly port: number;
  readonly token: string;
}

/** An xDS server to its clients, a client to another xDS server on this machine. */
export interface TokenRelay {
  readonly port: number;
  /** Sends new streams elsewhere and ends those that are open, so that their clients come back. */
  pointAt(target: RelayTarget): void;
  stop(): Promise<void>;
}

/** Sees all that passes, as encoded requests and responses, and says of each whether it goes on. */
export interface RelayTap {
  readonly request: (frame: Buffer) => boolean;
  readonly response: (frame: Buffer) => boolean;
}

const EVERYTHING: RelayTap = { request: () => true, response: () => true };

/**
 * Relays ADS streams, both variants, message by message and untouched, with `authorization: Bearer <token>` instead of whatever the
 * client sent. For xDS clients that cannot send metadata of their own, and to put another server in a client's place.
 */
export async function startTokenRelay(first: RelayTarget, tap: RelayTap = EVERYTHING): Promise<TokenRelay> {
  let target = first;
  let client = connect(target);
  const open = new Map<ServerDuplexStream<Buffer, Buffer>, (error?: StreamError) => void>();
  const relay =
    (path: string): handleBidiStreamingCall<Buffer, Buffer> =>
    (downstream) => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${target.token}`);
      const upstream = client.makeBidiStreamRequest(path, bytes, bytes, metadata);
      const end = (error?: StreamError): void => {
        if (!open.delete(downstream)) return;
        upstream.cancel();
        if (error === undefined) downstream.end();
        else downstream.emit('error', error);
      };
      open.set(downstream, end);
      downstream.on('data', (message: Buffer) => {
        if (tap.request(message)) upstream.write(message);
      });
      downstream.on('end', () => upstream.end());
      downstream.on('cancelled', () => end());
      upstream.on('data', (message: Buffer) => {
        if (tap.response(message)) downstream.write(message);
      });
      upstream.on('end', () => end());
      upstream.on('error', end);
    };
  const endAll = (): void => {
    for (const end of [...open.values()]) end({ code: status.UNAVAILABLE, details: 'the relay lets go' });
  };
  const server = new Server();
  const methods = METHODS.map((name) => ({ name, path: `${SERVICE}/${name}` }));
  server.addService(
    Object.fromEntries(methods.map(({ name, path }) => [name, passThrough(path)])),
    Object.fromEntries(methods.map(({ name, path }) => [name, relay(path)])),
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    );
  });
  return {
    port: bound,
    pointAt(next) {
      const previous = client;
      target = next;
      client = connect(target);
      endAll();
      previous.close();
    },
    stop() {
      endAll();
      client.close();
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

interface StreamError {
  readonly code: number;
  readonly details: string;
}

function connect(target: RelayTarget): Client {
  return new Client(`127.0.0.1:${target.port}`, credentials.createInsecure());
}

function passThrough(path: string) {
  return {
    path,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}
