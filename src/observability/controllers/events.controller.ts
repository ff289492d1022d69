import { applyDecorators, Controller, Get, Inject, Query, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiHeader, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '../../common/context/request-context.js';
import { problems } from '../../common/errors/problem.js';
import { type Address, AddressParam } from '../../common/http/address.js';
import { ApiProblems } from '../../common/http/api-problems.js';
import { ApiStream } from '../../common/http/api-stream.js';
import { bearerOf } from '../../common/http/bearer.js';
import { AuthenticatedRoute, RequirePermission } from '../../common/http/permission.js';
import { Context } from '../../common/http/request-context.decorator.js';
import { CurrentPrincipal, type Principal } from '../../tenancy/index.js';
import { EventDto, EventsQuery } from '../dto/event.dto.js';
import { type EventRequest, Events } from '../services/events.service.js';
import { DeploymentEvents } from '../services/deployment-events.js';
import { SERVER_SENT_EVENTS } from '../services/event-format.js';
import type { EventStream } from '../services/event-stream.js';

const EXAMPLE = `id: v1.bWFzdGVy.…\nevent: deployment.started\ndata: {"id": "…", "type": "deployment.started", "subjectId": "…", "at": "…", "payload": {}}\n\n`;

const WEBSOCKET = `**Over WebSocket** the same events come from \`/api/v1/events/ws\`, each as a text message \`{"id": "…", "event": "deployment.started", "data": {…}}\`,
between \`open\`, \`heartbeat\` (with an id to go on from), \`reset\` and \`end\`. \`types\`, and \`deployment\` for one of them from its beginning, stand in the
address. Who can set headers sends \`Authorization\`, \`X-EFMS-Tenant\` and \`Last-Event-ID\`; browsers cannot, and send one first message within ten seconds:
\`{"token": "…", "types": ["deployment.*"], "deployment": "…", "lastEventId": "…", "tenant": "…"}\`, of which only \`token\` must be there. A credential in the address
is refused, because addresses are logged. Nothing else is expected of the client; a message has at most 16 KiB.

Close codes: 1001 the server stops, 1009 the message is too long, 1013 the client reads too slowly or too many wait, 4401 the credential has ended. A refusal is 4000 and
the status of the same refusal over HTTP: 4400, 4401, 4403, 4404, 4408, 4422, 4429, 4503. Pings that are not answered end the connection.`;

const ApiEventStream = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({ name: 'Last-Event-ID', required: false, description: 'The last id that was read: goes on behind it.' }),
    ApiStream({
      mediaType: 'text/event-stream',
      item: EventDto,
      description:
        'Events until one side ends. `reset`: the id was too old, events may be missing. `end`: the server ends, and why. Lines with a colon alone keep the connection alive.',
      example: EXAMPLE,
    }),
  );

/** Server-sent events (HTML Standard): the facts of the outbox, as they are committed. */
@ApiTags('events')
@Controller()
export class EventsController {
  constructor(
    @Inject(Events) private readonly events: Events,
    @Inject(DeploymentEvents) private readonly deploymentEvents: DeploymentEvents,
  ) {}

  @Get('events')
  @AuthenticatedRoute()
  @ApiOperation({
    summary: 'Follow what happens',
    description: `Server-sent events of the tenant from now on. Each needs the permission to read what it is about; others are left out.\n\n${WEBSOCKET}`,
  })
  @ApiEventStream()
  @ApiProblems(401, 422, 429)
  follow(
    @Context() ctx: RequestContext,
    @CurrentPrincipal() principal: Principal,
    @Query() { types }: EventsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): StreamableFile {
    const filter = types === undefined ? {} : { types };
    return answer(reply, this.events.follow(ctx, requestOf(request, principal), { ...filter, begin: 'now' }));
  }

  @Get('events/ws')
  @AuthenticatedRoute()
  @ApiExcludeEndpoint()
  upgrade(@Res({ passthrough: true }) reply: FastifyReply): never {
    void reply.header('upgrade', 'websocket').header('connection', 'upgrade');
    throw problems.upgradeRequired({
      detail: 'Connect with a WebSocket client; over HTTP there is GET /api/v1/events.',
    });
  }

  @Get('deployments/:id/events')
  @RequirePermission('deployments:read')
  @ApiOperation({
    summary: 'Follow a deployment',
    description: 'Server-sent events of one deployment, from the oldest that is kept (a day) on.',
  })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiEventStream()
  @ApiProblems(401, 403, 404, 429)
  async followDeployment(
    @Context() ctx: RequestContext,
    @CurrentPrincipal() principal: Principal,
    @AddressParam() deployment: Address,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    return answer(reply, await this.deploymentEvents.follow(ctx, requestOf(request, principal), deployment));
  }
}

function requestOf(request: FastifyRequest, principal: Principal): EventRequest {
  const { authorization, 'last-event-id': lastEventId } = request.headers;
  const credential = bearerOf(authorization) ?? '';
  return {
    principal,
    credential,
    format: SERVER_SENT_EVENTS,
    ...(typeof lastEventId === 'string' && lastEventId !== '' ? { lastEventId } : {}),
  };
}

function answer(reply: FastifyReply, stream: EventStream): StreamableFile {
  void reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  // An answer to HEAD ends without the stream having been read.
  reply.raw.once('close', () => stream.destroy());
  return new StreamableFile(stream, { type: 'text/event-stream' });
}
