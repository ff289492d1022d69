import { Injectable } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { FirstPassword } from '../../common/crypto/first-password.js';
import { Database } from '../../common/database/database.js';
import { User } from '../entities/user.entity.js';
import type { Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { LoginAttempts } from './login-attempts.js';
import { hashPassword, passwordMatches } from './passwords.js';
import { endSessions } from './session-rows.js';

export interface PasswordChange {
  readonly currentPassword: string;
  readonly newPassword: string;
}

/** What people do with their own account. */
@Injectable()
export class Accounts {
  constructor(
    private readonly database: Database,
    private readonly denied: DeniedAccessLog,
    private readonly attempts: LoginAttempts,
    private readonly firstPassword: FirstPassword,
  ) {}

  /**
   * Sets a new password and ends every login of the user; access tokens already out run for their quarter of an hour.
   * @throws ProblemError 403 for an API key, a visitor, or a wrong current password; 429 after too many of those
   */
  async changePassword(ctx: RequestContext, principal: Principal, change: PasswordChange): Promise<void> {
    if (principal.kind !== 'user') throw tenancyProblems.notForApiKeys();
    if (principal.visitingFrom) throw tenancyProblems.visiting({ detail: 'Leave out X-EFMS-Tenant.' });
    const userId = principal.user.id;
    const attempt = { account: principal.user.email };
    await this.attempts.begin(attempt);
    const before = await this.database.tenant(ctx, (tx) => tx.em.findOneOrFail(User, userId));
    // Hashing takes tens of milliseconds, which is no time to hold a transaction open.
    if (!(await passwordMatches(before.passwordHash, change.currentPassword))) {
      this.denied.record({
        ...ctx,
        action: 'change password',
        resourceType: 'users',
        resourceId: userId,
        reason: 'the current password is wrong',
      });
      throw tenancyProblems.wrongPassword();
    }
    await this.attempts.succeeded(attempt);
    const passwordHash = await hashPassword(change.newPassword);
    await this.database.tenant(ctx, async (tx) => {
      const user = await tx.em.findOneOrFail(User, userId);
      user.passwordHash = passwordHash;
      await tx.em.flush();
      await endSessions(tx, userId);
    });
    if (before.platformAdmin) this.firstPassword.forget();
  }
}
