import type { DescExtension, DescField, Registry } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { MessagePath } from './message-path.js';

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const INLINE = new Set(['inline_string', 'inline_bytes']);

/**
 * Finds secrets that stand in a configuration itself, where they would be stored, shown and diffed: what the Envoy API marks as
 * sensitive (`udpa.annotations.sensitive`), and PEM private keys wherever they are. Secrets from files or over SDS are fine.
 */
export class SecretFinder {
  private readonly sensitive: DescExtension | undefined;

  constructor(registry: Registry) {
    this.sensitive = registry.getExtension('udpa.annotations.sensitive');
  }

  /** True where the field, which is set, holds a secret in clear. */
  holdsSecret(field: DescField, message: ReflectMessage, path: MessagePath): boolean {
    if (field.fieldKind !== 'scalar') return false;
    const value = message.get(field);
    const text =
      typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : '';
    if (text === '') return false;
    return PRIVATE_KEY.test(text) || this.isSensitive(field) || (INLINE.has(field.name) && this.isInSensitive(path));
  }

  /** The field whose message this is, past the index in a list. */
  private isInSensitive(path: MessagePath): boolean {
    for (let at = path.parent; at; at = at.parent) {
      if (typeof at.step === 'object' && 'fieldKind' in at.step) return this.isSensitive(at.step);
    }
    return false;
  }

  private isSensitive(field: DescField): boolean {
    return this.sensitive !== undefined && getOption(field, this.sensitive) === true;
  }
}
