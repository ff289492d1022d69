/** Who did something. Stored by value, without foreign key, so that history outlives the account. */
export interface Actor {
  readonly kind: 'user' | 'api_key' | 'system' | 'proxy';
  readonly id: string | null;
  readonly name: string;
}

/** What every service method is told about the call it serves; always its first argument. */
export interface RequestContext {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly requestId: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

/** The context of work that EFMS does by itself in a tenant. */
export function systemContext(tenantId: string, name: string): RequestContext {
  return { tenantId, actor: { kind: 'system', id: null, name }, requestId: `system:${name}` };
}
