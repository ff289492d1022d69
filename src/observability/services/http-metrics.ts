import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import { ProblemStats } from '../../common/http/problem-stats.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { labelled, Publisher } from './publish.js';

/** Rate, errors and duration of REST calls, by route template so that the number of series stays bounded. */
@Injectable()
export class HttpMetrics implements OnModuleInit {
  private readonly duration: Histogram;

  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ProblemStats) problems: ProblemStats,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    this.duration = new Histogram({
      name: 'efms_http_request_duration_seconds',
      help: 'Time from the first byte of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    new Publisher(registry).counter({
      name: 'efms_http_problems_total',
      help: 'Problems that requests were answered, by the last part of their type: what was refused, and why',
      labels: ['problem'],
      read: () => labelled('problem', problems.answered),
    });
  }

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'unmatched';
      this.duration.observe(
        { method: request.method, route, status: String(reply.statusCode) },
        reply.elapsedTime / 1000,
      );
      done();
    });
  }
}
