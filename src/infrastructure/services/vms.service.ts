import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Reader, Transaction } from '../../common/database/database.js';
import { isForeignKeyViolation, isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { checkedVm } from '../dto/vm.dto.js';
import { VirtualMachine, type VmDocument } from '../entities/virtual-machine.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { DescribedThings, type Kind, type Pending } from './described-things.js';
import { findVmView, listVmViews, VM_LIST, type VmFilter, type VmView } from './vm-views.js';

const HOSTNAME_KEY = 'virtual_machines_hostname_key';

/** The machines of a tenant; their hostname is their name. */
@Injectable()
export class Vms extends DescribedThings<VirtualMachine, VmDocument, VmDocument, VmView> {
  protected override readonly kind: Kind<VirtualMachine, VmDocument> = {
    entity: VirtualMachine,
    nameField: 'hostname',
    nameKey: HOSTNAME_KEY,
    make: (identity, document) => new VirtualMachine(identity, document),
  };

  list(ctx: RequestContext, filter: VmFilter, query: ListQuery): Promise<Page<VmView>> {
    const page = new ListPage(VM_LIST, { tenantId: ctx.tenantId, query, filters: filter });
    return listVmViews(this.database.reader(ctx), filter, page);
  }

  protected override notFound(address: Address): Error {
    const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
    return infrastructureProblems.vmNotFound({ detail: `There is no virtual machine ${called} in this tenant.` });
  }

  protected override find(reader: Reader, address: Address): Promise<VmView | undefined> {
    return findVmView(reader, address);
  }

  protected override resolve(
    _tx: Transaction,
    pending: readonly Pending<VirtualMachine, VmDocument>[],
  ): Promise<VmDocument[]> {
    return Promise.resolve(pending.map(({ request }) => request));
  }

  protected override requestOf(document: VmDocument): object {
    return document;
  }

  protected override checked(candidate: unknown): Promise<VmDocument> {
    return checkedVm(candidate);
  }

  protected override explain(error: unknown): unknown {
    if (isUniqueViolation(error, HOSTNAME_KEY)) {
      return infrastructureProblems.hostnameTaken({
        detail: 'Choose another hostname, or PUT the machine of that name.',
      });
    }
    if (!isForeignKeyViolation(error)) return error;
    const what = isForeignKeyViolation(error, 'containers_vm_fkey') ? 'Containers' : 'Proxies';
    return infrastructureProblems.vmInUse({ detail: `${what} are on it; delete or move them first.` });
  }
}
