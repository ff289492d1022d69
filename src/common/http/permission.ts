import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

/** What a route needs, as `resource:action`; or `public` for the few that need nothing. */
export type Permission = `${string}:${'read' | 'write'}` | 'public' | 'authenticated';

export const PERMISSION = 'efms:permission';

/** Tells readers of the OpenAPI document which permission an operation needs. */
export const DOCUMENTED_PERMISSION = 'x-efms-permission';

const declare = (permission: Permission): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(PERMISSION, permission), ApiExtension(DOCUMENTED_PERMISSION, permission));

/**
 * Declares what a route needs. There is no default: a route without a declaration fails the boot, so that forgetting one is
 * found by the first start and not by the first attacker.
 */
export const RequirePermission = (permission: `${string}:${'read' | 'write'}`): MethodDecorator & ClassDecorator =>
  declare(permission);

/** The metadata of routes that only platform admins may call. */
export const PLATFORM = 'efms:platform';

/** Declares a route of the platform: for platform admins, whose credential must have the permission besides. */
export const RequirePlatform = (permission: `${string}:${'read' | 'write'}`): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(PLATFORM, true), RequirePermission(permission));

/** A route for everybody, for instance login and health. */
export const PublicRoute = (): MethodDecorator & ClassDecorator => declare('public');

/** A route for every principal, whatever it may do otherwise. */
export const AuthenticatedRoute = (): MethodDecorator & ClassDecorator => declare('authenticated');
