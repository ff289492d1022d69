import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { parseAddress } from '../../common/http/address.js';
import { bearerOf } from '../../common/http/bearer.js';
import { problems } from '../../common/errors/problem.js';
import { requestValidation } from '../../common/http/validation.js';
import { requestIdOf } from '../../common/logging/logging.js';
import { Admission, originOf, tenantNamedIn } from '../../tenancy/index.js';
import { EventSocketStart } from '../dto/event-socket.dto.js';
import { DeploymentEvents } from './deployment-events.js';
import { WEBSOCKET_MESSAGES } from './event-format.js';
import type { EventStream } from './event-stream.js';
import { Events } from './events.service.js';

/** What may stand in the address; a credential never, because addresses are logged on the way. */
const IN_QUERY = ['types', 'deployment'];

/** Begins streams for clients over WebSocket, with the checks that a request for the same stream goes through. */
@Injectable()
export class EventSockets {
  private readonly validation = requestValidation();

  constructor(
    @Inject(Admission) private readonly admission: Admission,
    @Inject(Events) private readonly events: Events,
    @Inject(DeploymentEvents) private readonly deploymentEvents: DeploymentEvents,
  ) {}

  /** Whether the client says in its headers who it is, so that no first message is waited for. */
  isIntroduced({ headers }: IncomingMessage): boolean {
    return headers.authorization !== undefined;
  }

  /** @throws ProblemError with the status of what is wrong */
  async begin(request: IncomingMessage, message: unknown): Promise<EventStream> {
    const start = (await this.validation.transform(
      { ...fromHeaders(request), ...fromQuery(request), ...(message as object) },
      { type: 'body', metatype: EventSocketStart },
    )) as EventSocketStart;
    const { token: credential, tenant, lastEventId, types, deployment } = start;
    const { ctx, principal } = await this.admission.admit({ credential, tenant }, originOf(asRequest(request)));
    const asked = {
      principal,
      credential,
      format: WEBSOCKET_MESSAGES,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    };
    const filter = types === undefined ? {} : { types };
    if (deployment === undefined) return this.events.follow(ctx, asked, { ...filter, begin: 'now' });
    this.admission.require({ ctx, principal }, 'deployments:read');
    return this.deploymentEvents.follow(ctx, asked, parseAddress(deployment), filter);
  }
}

function fromHeaders({ headers }: IncomingMessage): Readonly<Record<string, unknown>> {
  const given = {
    // What is no credential is asked for nobody, and refused.
    token: headers.authorization === undefined ? undefined : (bearerOf(headers.authorization) ?? ''),
    tenant: tenantNamedIn(headers),
    lastEventId: headers['last-event-id'],
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function fromQuery({ url = '' }: IncomingMessage): Readonly<Record<string, unknown>> {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const stranger = [...query.keys()].find((name) => !IN_QUERY.includes(name));
  if (stranger !== undefined) {
    throw problems.invalid({
      detail: 'Only types and deployment may stand in the address; say the rest in headers or the first message.',
    });
  }
  const types = query.get('types')?.split(',');
  return { ...(types && { types }), ...(query.has('deployment') && { deployment: query.get('deployment') }) };
}

const asRequest = (request: IncomingMessage): Parameters<typeof originOf>[0] => ({
  id: requestIdOf(request),
  ip: request.socket.remoteAddress ?? '',
  headers: request.headers,
});
