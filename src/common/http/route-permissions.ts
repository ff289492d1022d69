import { type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { type DiscoveryService, MetadataScanner, type Reflector } from '@nestjs/core';
import { PERMISSION, type Permission } from './permission.js';

export interface GuardedRoute {
  readonly route: string;
  readonly permission: Permission;
}

/**
 * Every HTTP route of the application with the permission it declares.
 * @throws Error naming the routes that declare none: deny by default means that such a process does not start
 */
export function guardedRoutes(discovery: DiscoveryService, reflector: Reflector): readonly GuardedRoute[] {
  const scanner = new MetadataScanner();
  const routes: GuardedRoute[] = [];
  const undeclared: string[] = [];
  for (const { metatype, instance } of discovery.getControllers()) {
    if (!metatype || typeof instance !== 'object' || instance === null) continue;
    const controller = metatype as Type;
    const prototype = Object.getPrototypeOf(instance) as Record<string, unknown>;
    for (const method of scanner.getAllMethodNames(prototype)) {
      const handler = prototype[method];
      if (typeof handler !== 'function' || Reflect.getMetadata(METHOD_METADATA, handler) === undefined) continue;
      const path = String(Reflect.getMetadata(PATH_METADATA, handler) ?? '');
      const route = `${controller.name}.${method} (${path})`;
      const permission = reflector.getAllAndOverride<Permission | undefined>(PERMISSION, [
        handler as () => unknown,
        controller,
      ]);
      if (permission === undefined) undeclared.push(route);
      else routes.push({ route, permission });
    }
  }
  if (undeclared.length > 0) {
    throw new Error(
      `routes without a declared permission: ${undeclared.join(', ')}; add @RequirePermission or @PublicRoute`,
    );
  }
  return routes;
}
