import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import { loadDescriptors } from '../../src/xds/envoy-api/descriptor-registry.js';
import { LRS_SERVICE } from '../../src/xds/lrs/lrs-definition.js';
import { METRICS_SERVICE } from '../../src/xds/metrics/metrics-definition.js';

const registry = loadDescriptors();
const typeOf = (name: string): DescMessage => registry.getMessage(name)!;
const raw = (bytes: Buffer): Buffer => bytes;

/** A message in proto3 JSON, by Envoy's own description of it. */
export const encodeMessage = (name: string, message: object): Buffer =>
  Buffer.from(toBinary(typeOf(name), fromJson(typeOf(name), message as JsonValue)));

export const encodeLoadReport = (report: object): Buffer =>
  encodeMessage('envoy.service.load_stats.v3.LoadStatsRequest', report);

/** What a cluster says of its requests, all of one locality. */
export const clusterLoad = (
  clusterName: string,
  successes: number,
  errors = 0,
  { zone = '', dropped = 0 }: { readonly zone?: string; readonly dropped?: number } = {},
): object => ({
  clusterName,
  upstreamLocalityStats: [
    { locality: { zone }, totalSuccessfulRequests: String(successes), totalErrorRequests: String(errors) },
  ],
  totalDroppedRequests: String(dropped),
  loadReportInterval: '1s',
});

/** A proxy that reports its load. */
export class LoadReporter {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  /** What it was asked for, in proto3 JSON. */
  readonly asked: Promise<any>;
  private readonly client: Client;

  constructor(
    port: number,
    token: string | null,
    nodeId: string,
    channel: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.client = new Client(`127.0.0.1:${port}`, channel, {
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new Metadata();
    if (token !== null) metadata.set('authorization', `Bearer ${token}`);
    this.call = this.client.makeBidiStreamRequest(`/${LRS_SERVICE}/StreamLoadStats`, raw, raw, metadata);
    this.call.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.call.on('status', resolve));
    const type = typeOf('envoy.service.load_stats.v3.LoadStatsResponse');
    this.asked = new Promise((resolve) => {
      this.call.on('data', (bytes: Buffer) => resolve(toJson(type, fromBinary(type, bytes), { registry })));
    });
    this.call.write(encodeLoadReport({ node: { id: nodeId } }));
  }

  report(...clusterStats: object[]): void {
    this.call.write(encodeLoadReport({ node: { id: 'not looked at' }, clusterStats }));
  }

  stop(): Promise<void> {
    this.call.cancel();
    this.client.close();
    return Promise.resolve();
  }
}

/** A proxy that tells how long its requests took. */
export class MetricsReporter {
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  private readonly call: ClientWritableStream<Buffer>;
  private readonly client: Client;

  constructor(port: number, token: string, nodeId: string) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const answered = (): void => undefined;
    this.call = this.client.makeClientStreamRequest(`/${METRICS_SERVICE}/StreamMetrics`, raw, raw, metadata, answered);
    this.call.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.call.on('status', resolve));
    this.send(encodeMetrics([], nodeId));
  }

  send(message: Buffer): void {
    this.call.write(message);
  }

  stop(): Promise<void> {
    this.call.cancel();
    this.client.close();
    return Promise.resolve();
  }
}

/** A message of the metrics service. */
export const encodeMetrics = (envoyMetrics: readonly object[], nodeId: string): Buffer =>
  encodeMessage('envoy.service.metrics.v3.StreamMetricsMessage', {
    identifier: { node: { id: nodeId } },
    envoyMetrics,
  });
