import type { PackageDefinition } from '@grpc/proto-loader';

const passThrough = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A method of a gRPC service, by its name, whose messages pass as bytes; `requests` is a stream of them with one answer at its end. */
export function bytesMethod(
  service: string,
  method: string,
  form: 'unary' | 'requests' | 'bidirectional',
): PackageDefinition[string] {
  return {
    [method]: {
      path: `/${service}/${method}`,
      originalName: method,
      requestStream: form !== 'unary',
      responseStream: form === 'bidirectional',
      requestSerialize: passThrough,
      requestDeserialize: passThrough as (bytes: Buffer) => object,
      responseSerialize: passThrough,
      responseDeserialize: passThrough as (bytes: Buffer) => object,
      options: {},
    } as never,
  };
}
