import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { PublicRoute } from '../../common/http/permission.js';
import { METRICS_REGISTRY, Registry } from '../services/metrics-registry.js';

/** Prometheus text format. Public like the health probes: it holds no names of tenants, proxies or resources. */
@ApiTags('health')
@PublicRoute()
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRICS_REGISTRY) private readonly registry: Registry) {}

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @ApiProduces('text/plain')
  @ApiOkResponse({
    description: 'Prometheus text format',
    schema: { type: 'string', example: 'efms_xds_streams{variant="delta"} 1' },
  })
  metrics(): Promise<string> {
    return this.registry.metrics();
  }
}
