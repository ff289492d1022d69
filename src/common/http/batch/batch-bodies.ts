import type { Type } from '@nestjs/common';
import { type Finding, pointerTo } from '../../errors/finding.js';
import { ProblemError, problems } from '../../errors/problem.js';
import { parseAddress } from '../address.js';
import { checkedBody } from '../checked-body.js';
import type { BatchDto, BatchItemDto } from './batch.dto.js';
import type { Change } from './changes.js';
import { refusalFindings } from './run-batch.js';

/** The bodies of a collection's single calls, which are those of its batches too. */
export interface BatchBodies<Put extends object, Create extends Put, Request> {
  readonly create: Type<Create>;
  readonly put: Type<Put>;
  /** For the OpenAPI document; patches are checked after merging. */
  readonly patch: Type<object>;
  readonly nameOf: (body: Create) => string;
  readonly requestOf: (name: string, body: Put) => Request;
}

/** Reads every item by the rules of its single call. @throws ProblemError 422 with all that is wrong with all of them */
export async function changesOf<Put extends object, Create extends Put, Request>(
  bodies: BatchBodies<Put, Create, Request>,
  { items }: BatchDto,
): Promise<readonly Change<Request>[]> {
  const changes: Change<Request>[] = [];
  const findings: Finding[] = [];
  for (const [index, item] of items.entries()) {
    const misplaced = misplacedIn(item).map((finding) => ({
      ...finding,
      pointer: `${pointerTo('/items', index)}${finding.pointer}`,
    }));
    findings.push(...misplaced);
    if (misplaced.length > 0) continue;
    try {
      changes.push(await changeOf(bodies, item));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      findings.push(...refusalFindings(index, error));
    }
  }
  if (findings.length > 0) throw problems.invalid({ detail: 'Nothing was changed. See errors.', errors: findings });
  return changes;
}

async function changeOf<Put extends object, Create extends Put, Request>(
  { create, put, nameOf, requestOf }: BatchBodies<Put, Create, Request>,
  { action, id = '', ifMatch, body }: BatchItemDto,
): Promise<Change<Request>> {
  if (action === 'create') {
    const checked = await checkedBody(create, body);
    return { action, request: requestOf(nameOf(checked), checked) };
  }
  const address = parseAddress(id);
  if (action === 'delete') return { action, address, ifMatch };
  if (action === 'patch') return { action, address, patch: body as object, ifMatch };
  const checked = await checkedBody(put, body);
  return { action, address, requestFor: (name) => requestOf(name, checked), ifMatch };
}

/** What each action needs beside itself, and what it has no use for. */
const NEEDS: Readonly<
  Record<BatchItemDto['action'], Readonly<Record<'id' | 'ifMatch' | 'body', boolean | undefined>>>
> = {
  create: { id: false, ifMatch: false, body: true },
  put: { id: true, ifMatch: undefined, body: true },
  patch: { id: true, ifMatch: undefined, body: true },
  delete: { id: true, ifMatch: undefined, body: false },
};

function misplacedIn(item: BatchItemDto): Finding[] {
  const given = { id: item.id !== undefined, ifMatch: item.ifMatch !== undefined, body: item.body !== undefined };
  const findings = (['id', 'ifMatch', 'body'] as const).flatMap((field): Finding[] => {
    const isNeeded = NEEDS[item.action][field];
    if (isNeeded === undefined || isNeeded === given[field]) return [];
    const detail = isNeeded
      ? `${field} is needed to ${item.action}`
      : `there is no ${field} to ${item.action}; remove it`;
    return [{ pointer: `/${field}`, rule: `batch.${isNeeded ? 'missing' : 'superfluous'}`, detail, severity: 'error' }];
  });
  if (given.body && (typeof item.body !== 'object' || item.body === null || Array.isArray(item.body))) {
    findings.push({ pointer: '/body', rule: 'request.isObject', detail: 'body must be an object', severity: 'error' });
  }
  return findings;
}
