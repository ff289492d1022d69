import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { newToken } from '../../common/crypto/tokens.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { requireMatch } from '../../common/http/etag.js';
import { type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { addToCredentialIndex, lookupHash, removeFromCredentialIndex } from '../../tenancy/index.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { ListConditions } from './list-conditions.js';
import { invalidAt, PROXY_GROUP, referTo } from './references.js';

/** A right to enrol some proxies for some time; never the token itself. */
export interface EnrolmentTokenView {
  readonly id: string;
  readonly name: string;
  /** What proxies that it makes are put into. */
  readonly group: { readonly id: string; readonly name: string } | null;
  /** What proxies that it makes are labelled with. */
  readonly labels: Readonly<Record<string, string>>;
  readonly maxUses: number;
  readonly uses: number;
  readonly expiresAt: Date;
  readonly revision: number;
  readonly createdAt: Date;
}

export interface EnrolmentTokenRequest {
  readonly name: string;
  /** The address of a group. */
  readonly group?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxUses: number;
  readonly expiresAt: Date;
}

interface TokenRow extends Omit<EnrolmentTokenView, 'revision' | 'uses'> {
  readonly revision: string;
  readonly uses: string;
}

export const ENROLMENT_PREFIX = 'efmse';

export const ENROLMENT_TOKEN_LIST: ListDefinition = {
  name: 'enrolment-tokens',
  keys: {
    name: { column: 't.name', type: 'text', unique: true },
    // Ids are UUIDv7, so they come in the order of creation.
    createdAt: { column: 't.id', type: 'uuid', unique: true },
  },
  defaultSort: 'name',
  id: { column: 't.id', type: 'uuid', unique: true },
};

const COLUMNS = `
  t.id, t.name, t.labels, t.max_uses as "maxUses", t.expires_at as "expiresAt", t.revision, t.created_at as "createdAt",
  (select json_build_object('id', g.id, 'name', g.name) from proxy_groups g where g.id = t.group_id) as "group",
  (select count(*) from enrolments e where e.enrolment_token_id = t.id) as uses`;

/** The tokens that let machines enrol themselves. */
@Injectable()
export class EnrolmentTokens {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns the token itself too, of which only the hash is kept. @throws ProblemError 409, 422 */
  async create(
    ctx: RequestContext,
    request: EnrolmentTokenRequest,
  ): Promise<{ readonly view: EnrolmentTokenView; readonly token: string }> {
    if (request.expiresAt.getTime() <= this.clock.now()) {
      throw invalidAt('/expiresAt', 'request.future', 'expiresAt must lie in the future');
    }
    const token = newToken(ENROLMENT_PREFIX);
    const id = newId();
    const hash = lookupHash(token);
    try {
      return await this.database.tenant(ctx, async (tx) => {
        const groupId = await referTo(tx, PROXY_GROUP, request.group, '/group');
        await tx.query(
          `insert into enrolment_tokens (tenant_id, id, name, token_hash, group_id, labels, max_uses, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [ctx.tenantId, id, request.name, hash, groupId, request.labels, request.maxUses, request.expiresAt],
        );
        await addToCredentialIndex(tx, { kind: 'enrolment_token', hash, tenantId: ctx.tenantId, subjectId: id });
        return { view: await read(tx, { id }), token };
      });
    } catch (error) {
      if (!isUniqueViolation(error, 'enrolment_tokens_name_key')) throw error;
      throw infrastructureProblems.enrolmentTokenNameTaken({ detail: 'Choose another name, or delete that token.' });
    }
  }

  /** Those that are used up or expired too. */
  list(ctx: RequestContext, query: ListQuery): Promise<Page<EnrolmentTokenView>> {
    const page = new ListPage(ENROLMENT_TOKEN_LIST, { tenantId: ctx.tenantId, query });
    return this.database.tenant(ctx, (tx) => listEnrolmentTokens(tx, page));
  }

  /** @throws ProblemError 404 */
  get(ctx: RequestContext, address: Address): Promise<EnrolmentTokenView> {
    return this.database.tenant(ctx, (tx) => read(tx, address));
  }

  /** Ends the token at once; proxies that it enrolled stay. @throws ProblemError 404, 412, 428 */
  async remove(ctx: RequestContext, address: Address, ifMatch: string | undefined): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const { id, revision } = await read(tx, address);
      requireMatch(ifMatch, revision);
      await removeFromCredentialIndex(tx, [id]);
      await tx.query('delete from enrolment_tokens where id = $1', [id]);
    });
  }
}

export async function listEnrolmentTokens(tx: Transaction, page: ListPage): Promise<Page<EnrolmentTokenView>> {
  const conditions = new ListConditions();
  page.addTo(conditions);
  const order = page.order;
  const rows = await tx.query<TokenRow & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from enrolment_tokens t where ${conditions.sql} ${order}`,
    conditions.params,
  );
  return page.page(rows, viewOf);
}

async function read(tx: Transaction, address: Address): Promise<EnrolmentTokenView> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await tx.query<TokenRow>(`select ${COLUMNS} from enrolment_tokens t where t.${column} = $1`, [value]);
  if (!rows[0]) throw infrastructureProblems.enrolmentTokenNotFound();
  return viewOf(rows[0]);
}

function viewOf({ place: _, ...row }: TokenRow & Partial<Placed>): EnrolmentTokenView {
  return { ...row, revision: Number(row.revision), uses: Number(row.uses) };
}
