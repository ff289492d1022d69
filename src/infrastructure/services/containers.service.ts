import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Reader, Transaction } from '../../common/database/database.js';
import { isForeignKeyViolation, isUniqueViolation } from '../../common/database/errors.js';
import { type Address, parseAddress } from '../../common/http/address.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page, PageQuery } from '../../common/http/page.js';
import { checkedContainer } from '../dto/container.dto.js';
import { Container, type ContainerDocument, type ContainerRequest } from '../entities/container.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import {
  type ContainerEvent,
  listContainerEvents,
  recordContainerEvent,
  type ReportedEvent,
} from './container-events.js';
import {
  CONTAINER_LIST,
  type ContainerFilter,
  type ContainerView,
  findContainerView,
  listContainerViews,
} from './container-views.js';
import { DescribedThings, type Kind, type Pending } from './described-things.js';
import { referToAll, VM } from './references.js';
import { findVmView } from './vm-views.js';

export interface ListedContainers extends Omit<ContainerFilter, 'vmId'> {
  /** The address of the machine that they are on. */
  readonly vm: string | undefined;
}

const NAME_KEY = 'containers_name_key';
const CONTAINER_ID_KEY = 'containers_container_id_key';

/** The containers of a tenant, the machines that they are on, and what happened to them. */
@Injectable()
export class Containers extends DescribedThings<Container, ContainerDocument, ContainerRequest, ContainerView> {
  protected override readonly kind: Kind<Container, ContainerDocument> = {
    entity: Container,
    nameField: 'name',
    nameKey: NAME_KEY,
    make: (identity, document) => new Container(identity, document),
  };

  /** A machine that does not exist has no containers. */
  async list(ctx: RequestContext, { vm, ...filter }: ListedContainers, query: ListQuery): Promise<Page<ContainerView>> {
    const page = new ListPage(CONTAINER_LIST, { tenantId: ctx.tenantId, query, filters: { vm, ...filter } });
    const reader = this.database.reader(ctx);
    const host = vm === undefined ? undefined : await findVmView(reader, parseAddress(vm));
    if (vm !== undefined && !host) return { items: [], nextCursor: null };
    return listContainerViews(reader, { ...filter, vmId: host?.id }, page);
  }

  /**
   * Records what happened. What is known of the container follows, unless something later is known already.
   * @throws ProblemError 404
   */
  async report(ctx: RequestContext, address: Address, event: ReportedEvent): Promise<ContainerEvent> {
    return this.database.tenant(ctx, async (tx) => {
      const containerId = await this.idOf(tx, address);
      return recordContainerEvent(tx, ctx, containerId, event);
    });
  }

  /** What happened to the container, the newest report first. @throws ProblemError 404 */
  events(ctx: RequestContext, address: Address, query: PageQuery): Promise<Page<ContainerEvent>> {
    return this.database.tenant(ctx, async (tx) => listContainerEvents(tx, ctx, await this.idOf(tx, address), query));
  }

  protected override notFound(address: Address): Error {
    const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
    return infrastructureProblems.containerNotFound({ detail: `There is no container ${called} in this tenant.` });
  }

  protected override find(reader: Reader, address: Address): Promise<ContainerView | undefined> {
    return findContainerView(reader, address);
  }

  protected override async resolve(
    tx: Transaction,
    pending: readonly Pending<Container, ContainerRequest>[],
  ): Promise<ContainerDocument[]> {
    const machines = pending.map(({ request }) => request.vm);
    const vmOf = await referToAll(tx, VM, machines, '/vm');
    return pending.map(({ request: { vm, ...rest } }) => {
      const vmId = vmOf(vm);
      if (vmId === null) throw new Error('a container without a machine was not refused');
      return { ...rest, vmId };
    });
  }

  protected override requestOf({ vmId, ...rest }: ContainerDocument): object {
    return { ...rest, vm: vmId };
  }

  protected override checked(candidate: unknown): Promise<ContainerRequest> {
    return checkedContainer(candidate);
  }

  protected override explain(error: unknown): unknown {
    if (isUniqueViolation(error, NAME_KEY)) {
      return infrastructureProblems.containerNameTaken({
        detail: 'Choose another name, or PUT the container of that name.',
      });
    }
    if (isUniqueViolation(error, CONTAINER_ID_KEY)) {
      return infrastructureProblems.containerIdTaken({ detail: 'Another container has that containerId.' });
    }
    if (!isForeignKeyViolation(error)) return error;
    return infrastructureProblems.containerInUse({ detail: 'A proxy runs in it; move or delete that first.' });
  }

  private async idOf(tx: Transaction, address: Address): Promise<string> {
    const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
    const rows = await tx.query<{ id: string }>(`select id from containers where ${column} = $1 for key share`, [
      value,
    ]);
    if (!rows[0]) throw this.notFound(address);
    return rows[0].id;
  }
}
