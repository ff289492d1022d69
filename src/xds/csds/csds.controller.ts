import type { Metadata, ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, RpcException } from '@nestjs/microservices';
import { CSDS_SERVICE } from './csds-definition.js';
import { CsdsCalls } from './csds-calls.js';

/** Client status discovery: what each proxy has, for people's tools. Proxies do not call it. */
@Controller()
export class CsdsController {
  constructor(private readonly calls: CsdsCalls) {}

  @GrpcStreamCall(CSDS_SERVICE, 'StreamClientStatus')
  stream(call: ServerDuplexStream<Buffer, Buffer>): void {
    this.calls.open(call);
  }

  @GrpcMethod(CSDS_SERVICE, 'FetchClientStatus')
  async fetch(request: Buffer, _metadata: Metadata, call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> {
    try {
      return await this.calls.answer(request, call);
    } catch (error) {
      throw new RpcException(this.calls.failureOf(error));
    }
  }
}
