import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';
import { type Finding, pointerTo } from '../../common/errors/finding.js';
import type { Address } from '../../common/http/address.js';

export interface ProxyRef {
  readonly id: string;
  readonly name: string;
}

export interface ResolvedProxies {
  /** Each proxy once, in the order of its first address. */
  readonly proxies: readonly ProxyRef[];
  /** One per address that leads to no proxy; the pointer is the place in the list, such as `/2`. */
  readonly findings: readonly Finding[];
}

/** Finds proxies of the tenant by what callers call them. */
@Injectable()
export class ProxyDirectory {
  /** One query for any number of addresses. */
  async resolve(tx: Transaction, _ctx: RequestContext, addresses: readonly Address[]): Promise<ResolvedProxies> {
    const rows = await tx.query<ProxyRef>(
      'select id, name from envoy_proxies where id = any($1::uuid[]) union select id, name from envoy_proxies where name = any($2)',
      [
        addresses.flatMap((address) => ('id' in address ? [address.id] : [])),
        addresses.flatMap((address) => ('name' in address ? [address.name] : [])),
      ],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    const byName = new Map(rows.map((row) => [row.name, row]));
    const proxies = new Map<string, ProxyRef>();
    const findings: Finding[] = [];
    for (const [i, address] of addresses.entries()) {
      const found = 'id' in address ? byId.get(address.id) : byName.get(address.name);
      if (found) proxies.set(found.id, found);
      else findings.push(unknownProxy(i, address));
    }
    return { proxies: [...proxies.values()], findings };
  }
}

function unknownProxy(index: number, address: Address): Finding {
  const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
  return {
    pointer: pointerTo('', index),
    rule: 'reference.proxy',
    detail: `there is no proxy ${called}; register it first or take it out`,
    severity: 'error',
  };
}
