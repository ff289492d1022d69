import { Inject, Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import type { EventFilter } from './event-filter.js';
import { type EventRequest, Events } from './events.service.js';
import type { EventStream } from './event-stream.js';

/** The events of one deployment. */
@Injectable()
export class DeploymentEvents {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Events) private readonly events: Events,
  ) {}

  /** @throws ProblemError 404, also for a name: deployments have none */
  async follow(
    ctx: RequestContext,
    request: EventRequest,
    deployment: Address,
    { types = ['deployment.*'] }: Pick<EventFilter, 'types'> = {},
  ): Promise<EventStream> {
    const rows =
      'id' in deployment
        ? await this.database.tenant(ctx, (tx) =>
            tx.query<{ id: string }>('select id from configuration_deployments where id = $1', [deployment.id]),
          )
        : [];
    const subjectId = rows[0]?.id;
    if (subjectId === undefined) throw problems.notFound({ detail: 'There is no such deployment.' });
    return this.events.follow(ctx, request, { types, subjectId, begin: 'oldest' });
  }
}
