import { type DescExtension, type DescField, type DescMessage, type Registry, getOption } from '@bufbuild/protobuf';
import { type Fields, fieldValue } from '../message-tree.js';
import type { Visited } from '../message-walk.js';
import type { Report } from './report.js';

const DATA_SOURCE = 'envoy.config.core.v3.DataSource';

/** Secret fields that the API does not mark as such. */
const UNMARKED: ReadonlySet<string> = new Set([
  'envoy.config.trace.v3.LightstepConfig.access_token',
  'envoy.extensions.private_key_providers.cryptomb.v3alpha.CryptoMbPrivateKeyMethodConfig.private_key',
  'envoy.extensions.private_key_providers.qat.v3alpha.QatPrivateKeyMethodConfig.private_key',
]);

/** Fields that the API marks as sensitive, and that hold no secret or one that Envoy takes in no other way. */
const TOLERATED: ReadonlySet<string> = new Set([
  'envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth.credentials',
  'envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute.credentials',
  'envoy.extensions.filters.http.ext_authz.v3.CheckSettings.context_extensions',
  'envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions.Credential.auth_username',
  'envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions.auth_username',
  'envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.downstream_auth_username',
]);

const DETAIL =
  'may not be written into a configuration, where it would be stored and shown; keep it as a secret of EFMS, or name a file of the proxy';

/**
 * Refuses private keys, passwords, tickets and tokens inline, in whatever resource they are. Which fields are secret, the API says
 * itself (`udpa.annotations.sensitive`). Private keys in any other text are refused when it is decoded.
 */
export class SecretChecks {
  private readonly sensitive: DescExtension | undefined;
  private readonly fields = new Map<DescMessage, readonly DescField[]>();

  constructor(registry: Registry) {
    this.sensitive = registry.getExtension('udpa.annotations.sensitive');
  }

  check({ type, message }: Visited, report: Report): void {
    for (const field of this.secretFields(type)) {
      const value = fieldValue(message, field);
      if (typeof value === 'string' && value !== '') {
        report('error', [field], 'secret.inline', `${field.name} in ${type.name} ${DETAIL}`);
      } else if (field.message?.typeName === DATA_SOURCE && typeof value === 'object' && value !== null) {
        checkSources(field, value, report);
      }
    }
  }

  private secretFields(type: DescMessage): readonly DescField[] {
    let fields = this.fields.get(type);
    if (!fields) {
      fields = type.fields.filter((field) => this.isSecret(field));
      this.fields.set(type, fields);
    }
    return fields;
  }

  private isSecret(field: DescField): boolean {
    const name = `${field.parent.typeName}.${field.name}`;
    const isMarked = this.sensitive !== undefined && getOption(field, this.sensitive) === true;
    return UNMARKED.has(name) || (isMarked && !TOLERATED.has(name));
  }
}

/** One data source, or the list or map of them that a field has. */
function checkSources(field: DescField, value: object, report: Report): void {
  const sources: [steps: (string | number)[], source: Fields][] =
    field.fieldKind === 'message'
      ? [[[], value as Fields]]
      : Object.entries(value).map(([key, source]) => [[Array.isArray(value) ? Number(key) : key], source as Fields]);
  for (const [steps, source] of sources) {
    const { case: specifier = '' } = source['specifier'] as { readonly case?: string };
    const inline = specifier.startsWith('inline') ? field.message?.field[specifier] : undefined;
    if (inline)
      report('error', [field, ...steps, inline], 'secret.inline', `${field.name} in ${field.parent.name} ${DETAIL}`);
  }
}
