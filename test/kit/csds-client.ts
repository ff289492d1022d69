import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { CSDS_SERVICE } from '../../src/xds/csds/csds-definition.js';
import { loadDescriptors } from '../../src/xds/envoy-api/descriptor-registry.js';

const registry = loadDescriptors();
const messageType = (name: string): DescMessage => registry.getMessage(`envoy.service.status.v3.${name}`)!;
const encode = (request: object): Buffer => {
  const type = messageType('ClientStatusRequest');
  const message: Message = Object.keys(request).length > 0 ? fromJson(type, request as JsonValue) : create(type);
  return Buffer.from(toBinary(type, message));
};
const raw = (bytes: Buffer): Buffer => bytes;

/** An answer in proto3 JSON, and as it came. */
export interface StatusAnswer {
  readonly json: any;
  readonly bytes: Buffer;
}

/** A tool that speaks CSDS by Envoy's own description of it. */
export class CsdsClient {
  private readonly client: Client;

  constructor(port: number) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** @param headers metadata of the call @returns rejects with the status of a call that fails */
  fetch(headers: Readonly<Record<string, string>>, request: object = {}): Promise<StatusAnswer> {
    return this.fetchRaw(headers, encode(request));
  }

  fetchRaw(headers: Readonly<Record<string, string>>, request: Buffer): Promise<StatusAnswer> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        `/${CSDS_SERVICE}/FetchClientStatus`,
        raw,
        raw,
        request,
        metadataOf(headers),
        (error: ServiceError | null, bytes?: Buffer) => {
          if (bytes) resolve(answerOf(bytes));
          else reject(error ?? new Error('neither an answer nor an error'));
        },
      );
    });
  }

  /** Sends all requests at once on one stream and then hangs up. */
  stream(headers: Readonly<Record<string, string>>, requests: readonly object[]): Promise<StatusAnswer[]> {
    const call = this.client.makeBidiStreamRequest(
      `/${CSDS_SERVICE}/StreamClientStatus`,
      raw,
      raw,
      metadataOf(headers),
    );
    return new Promise((resolve, reject) => {
      const answers: StatusAnswer[] = [];
      call.on('data', (bytes: Buffer) => answers.push(answerOf(bytes)));
      call.on('error', reject);
      call.on('end', () => resolve(answers));
      for (const request of requests) call.write(encode(request));
      call.end();
    });
  }

  async stop(): Promise<void> {
    this.client.close();
    return Promise.resolve();
  }
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function answerOf(bytes: Buffer): StatusAnswer {
  const type = messageType('ClientStatusResponse');
  return { bytes, json: toJson(type, fromBinary(type, bytes), { registry }) };
}
