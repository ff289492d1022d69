import { Controller } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { ADS_SERVICE } from './discovery-services.js';
import type { DiscoveryCall } from './grpc-stream.js';
import { OpenStreams } from './open-streams.js';

/** Aggregated discovery: all types of a proxy on one stream, in either variant. */
@Controller()
export class AdsController {
  constructor(private readonly streams: OpenStreams) {}

  @GrpcStreamCall(ADS_SERVICE, 'StreamAggregatedResources')
  stateOfTheWorld(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: null });
  }

  @GrpcStreamCall(ADS_SERVICE, 'DeltaAggregatedResources')
  incremental(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: null });
  }
}
