import { ApiKey } from './entities/api-key.entity.js';
import { User } from './entities/user.entity.js';

export {
  addToCredentialIndex,
  type CredentialEntry,
  type CredentialKind,
  lookupHash,
  removeFromCredentialIndex,
} from './credential-index.js';
export { originOf, TENANT_HEADER, tenantNamedIn } from './guards/access.guard.js';
export { RequestOrigin } from './guards/origin.decorator.js';
export { allows } from './permissions.js';
export { type Caller, CurrentCaller, CurrentPrincipal, type Principal } from './principal.js';
export { Admission } from './services/admission.js';
export { AttemptLimits, networkOf, type Subject } from './services/attempt-limits.js';
export { DataKeys, rewrapDataKeys } from './services/data-keys.js';
export { FirstStart, type FirstStartResult } from './services/first-start.service.js';
export { Principals } from './services/principals.service.js';
export { type Origin } from './services/sessions.service.js';
export { TenancyModule } from './tenancy.module.js';
export { visitorOf } from './visitor.js';

export const tenancyEntities = [ApiKey, User];
