import { Controller } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { CDS_SERVICE, EDS_SERVICE, LDS_SERVICE, RDS_SERVICE, SDS_SERVICE } from './discovery-services.js';
import type { DiscoveryCall } from './grpc-stream.js';
import { OpenStreams } from './open-streams.js';

/** Discovery of one type per stream. Between the streams of a proxy there is no order, so a change of several types may hurt. */
@Controller()
export class SeparateServicesController {
  constructor(private readonly streams: OpenStreams) {}

  @GrpcStreamCall(CDS_SERVICE, 'StreamClusters')
  clusters(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: 'cluster' });
  }

  @GrpcStreamCall(CDS_SERVICE, 'DeltaClusters')
  clusterChanges(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: 'cluster' });
  }

  @GrpcStreamCall(EDS_SERVICE, 'StreamEndpoints')
  endpoints(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: 'endpoint' });
  }

  @GrpcStreamCall(EDS_SERVICE, 'DeltaEndpoints')
  endpointChanges(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: 'endpoint' });
  }

  @GrpcStreamCall(LDS_SERVICE, 'StreamListeners')
  listeners(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: 'listener' });
  }

  @GrpcStreamCall(LDS_SERVICE, 'DeltaListeners')
  listenerChanges(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: 'listener' });
  }

  @GrpcStreamCall(RDS_SERVICE, 'StreamRoutes')
  routes(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: 'route' });
  }

  @GrpcStreamCall(RDS_SERVICE, 'DeltaRoutes')
  routeChanges(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: 'route' });
  }

  @GrpcStreamCall(SDS_SERVICE, 'StreamSecrets')
  secrets(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'sotw', kind: 'secret' });
  }

  @GrpcStreamCall(SDS_SERVICE, 'DeltaSecrets')
  secretChanges(call: DiscoveryCall): void {
    this.streams.open(call, { variant: 'delta', kind: 'secret' });
  }
}
