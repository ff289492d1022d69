import { LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { requireMatch } from '../../common/http/etag.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import { mergePatch } from '../../common/http/merge-patch.js';
import type { Page } from '../../common/http/page.js';
import { removeFromCredentialIndex } from '../credential-index.js';
import { checkedUser } from '../dto/user.dto.js';
import { User } from '../entities/user.entity.js';
import { allows, permissionsOf, type Role } from '../permissions.js';
import type { Caller, Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { endInvitations, Invitations } from './invitations.js';
import { Principals } from './principals.service.js';
import { endSessions } from './session-rows.js';
import { insertUser, type InvitedUser, type NewUser, refuseTaken, type UserDocument } from './user-rows.js';

export interface UserFilters {
  readonly role?: Role;
  readonly email?: string;
}

const USERS: ListDefinition = {
  name: 'users',
  keys: {
    email: { column: 'u.email', type: 'text', unique: true },
    username: { column: 'u.username', type: 'text', unique: true },
    createdAt: { column: 'u.created_at', type: 'timestamptz' },
  },
  defaultSort: 'email',
  id: { column: 'u.id', type: 'uuid' },
};

/**
 * The people of a tenant. Nobody gives more than they have, or changes somebody who may do more than they: otherwise the right to write
 * users would be the right to everything. A tenant always keeps an admin who can log in and is not narrowed, for nobody else could widen
 * one again; the platform keeps such a platform admin, whom nobody could replace.
 */
@Injectable()
export class Users {
  constructor(
    private readonly database: Database,
    private readonly invitations: Invitations,
    private readonly principals: Principals,
  ) {}

  /** @throws ProblemError 403 for more than the caller has, 409 for an e-mail or username that is taken */
  async invite({ ctx, principal }: Caller, user: NewUser): Promise<InvitedUser> {
    requireReach(principal, user);
    try {
      return await this.database.tenant(ctx, async (tx) => {
        const id = await insertUser(tx, ctx.tenantId, user);
        const invitation = await this.invitations.add(tx, { tenantId: ctx.tenantId, id });
        return { user: await find(tx, { id }), invitation };
      });
    } catch (error) {
      throw refuseTaken(error);
    }
  }

  /** A new invitation for somebody whose first one ran out, or who lost the password. @throws ProblemError 403, 404, 409 */
  reinvite(caller: Caller, address: Address): Promise<InvitedUser> {
    return this.change(caller, address, async (tx, user) => {
      if (!user.isActive) throw wrongState(user);
      const invitation = await this.invitations.issue(tx, user);
      await recordAction(tx, caller.ctx, {
        action: 'invite',
        resourceType: 'users',
        resourceId: user.id,
        resourceName: user.email,
        changes: { expiresAt: invitation.expiresAt.toISOString() },
      });
      return { user, invitation };
    });
  }

  /** Everybody, also who was deactivated. @throws ProblemError 400, 422 for what cannot be listed so */
  list(ctx: RequestContext, query: ListQuery, filters: UserFilters): Promise<Page<User>> {
    const list = new ListPage(USERS, { tenantId: ctx.tenantId, query, filters });
    return this.database.tenant(ctx, async (tx) => {
      const conditions = new Conditions();
      conditions.equal('u.role', filters.role);
      conditions.equal('u.email', filters.email?.toLowerCase());
      list.addTo(conditions);
      const rows = await tx.query<Placed>(
        `select u.*, ${list.placeColumn} from users u where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      return list.page(rows, (row) => tx.em.map(User, row));
    });
  }

  /** @throws ProblemError 404 */
  get(ctx: RequestContext, address: Address): Promise<User> {
    return this.database.tenant(ctx, (tx) => find(tx, address));
  }

  /** Applies a merge patch (RFC 7396). @throws ProblemError 403, 404, 409, 412, 422, 428 */
  async patch(caller: Caller, address: Address, patch: object, ifMatch: string | undefined): Promise<User> {
    try {
      return await this.change(caller, address, async (tx, user) => {
        requireMatch(ifMatch, user.revision);
        if (user.anonymisedAt !== null) throw wrongState(user);
        const { username, fullName, role, permissions } = user;
        const next = await checkedUser(mergePatch({ username, fullName, role, permissions }, patch));
        requireReach(caller.principal, next);
        if (!isKeeper(next)) await this.requireOtherKeeper(tx, user);
        Object.assign(user, next);
        await tx.em.flush();
        await tx.em.refresh(user);
        return user;
      });
    } catch (error) {
      throw refuseTaken(error);
    }
  }

  /** Ends logins, sessions, invitations and API keys of a user, the keys for good. @throws ProblemError 403, 404, 409 */
  deactivate(caller: Caller, address: Address): Promise<User> {
    return this.change(caller, address, async (tx, user) => {
      if (!user.isActive) throw wrongState(user);
      await this.requireOtherKeeper(tx, user);
      return this.end(tx, user);
    });
  }

  /** Lets a user back in, with the old password and without the old keys. @throws ProblemError 403, 404, 409 */
  reactivate(caller: Caller, address: Address): Promise<User> {
    return this.change(caller, address, async (tx, user) => {
      if (user.state !== 'deactivated') throw wrongState(user);
      user.isActive = true;
      await tx.em.flush();
      await tx.em.refresh(user);
      return user;
    });
  }

  /**
   * Takes out of the row all that names the person, who can never come back. Users are not deleted, because what they did points at them;
   * the audit log, which nobody can change, keeps the names of its time. @throws ProblemError 403, 404, 409
   */
  anonymise(caller: Caller, address: Address): Promise<User> {
    return this.change(caller, address, async (tx, user) => {
      if (user.state === 'anonymised') throw wrongState(user);
      await this.requireOtherKeeper(tx, user);
      user.email = `${user.id}@anonymised.invalid`;
      user.username = user.id;
      user.fullName = '';
      user.passwordHash = null;
      user.anonymisedAt = new Date();
      await removeFromCredentialIndex(tx, [user.id]);
      return this.end(tx, user);
    });
  }

  /** Changes to people of one tenant take turns, so that two admins cannot each remove the other. */
  private change<T>(
    { ctx, principal }: Caller,
    address: Address,
    work: (tx: Transaction, user: User) => Promise<T>,
  ): Promise<T> {
    return this.database.tenant(ctx, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 2))', [ctx.tenantId]);
      const user = await find(tx, address, LockMode.PESSIMISTIC_WRITE);
      requireReach(principal, user);
      if (user.platformAdmin && !principal.user.platformAdmin) throw beyond('Only a platform admin can do this.');
      tx.afterCommit(() => this.principals.forget(user.id));
      return work(tx, user);
    });
  }

  private async end(tx: Transaction, user: User): Promise<User> {
    user.isActive = false;
    await tx.em.flush();
    await endSessions(tx, user.id);
    await endInvitations(tx, user.id);
    const keys = await tx.query<{ id: string }>(
      'update api_keys set is_active = false where user_id = $1 and is_active returning id',
      [user.id],
    );
    await removeFromCredentialIndex(
      tx,
      keys.map(({ id }) => id),
    );
    await tx.em.refresh(user);
    return user;
  }

  private async requireOtherKeeper(tx: Transaction, user: User): Promise<void> {
    if (!user.isActive || !isKeeper(user)) return;
    const others = await tx.query<Pick<User, 'role' | 'permissions'>>(
      `select role, permissions from users where role = 'admin' and is_active and id <> $1 and (platform_admin or not $2)
          and (password_hash is not null or auth_provider <> 'local')`,
      [user.id, user.platformAdmin],
    );
    if (others.some(isKeeper)) return;
    throw tenancyProblems.lastAdmin({
      detail: user.platformAdmin
        ? `"${user.username}" is the last platform admin who can log in and may do everything; that one has to stay.`
        : `"${user.username}" is the last admin who can log in and may do everything; make another first.`,
    });
  }
}

/** Whether somebody may give back to others whatever was taken from them. */
const isKeeper = ({ role, permissions }: Pick<UserDocument, 'role' | 'permissions'>): boolean =>
  role === 'admin' && allows(permissionsOf(role, permissions), '*:*');

async function find(tx: Transaction, address: Address, lockMode: LockMode = LockMode.NONE): Promise<User> {
  const where = 'id' in address ? { id: address.id } : { username: address.name };
  const user = await tx.em.findOne(User, where, { lockMode });
  if (!user) throw tenancyProblems.userNotFound();
  return user;
}

const wrongState = ({ username, state }: User): Error =>
  tenancyProblems.userState({ detail: `"${username}" is ${state}.` });

const beyond = (detail: string): Error => tenancyProblems.beyondCaller({ detail });

function requireReach(principal: Principal, { role, permissions }: Pick<UserDocument, 'role' | 'permissions'>): void {
  const { granted } = permissionsOf(role, permissions);
  const excess = granted.filter((entry) => !allows(principal.permissions, entry));
  if (excess.length > 0) throw beyond(`You do not have ${excess.join(', ')} yourself.`);
}
