import { createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import type { CertificateFacts } from '../../common/crypto/certificate.js';
import { CannotUnseal, seal, type SealingKey, sealedUnder, unseal } from '../../common/crypto/sealing.js';
import type { Transaction } from '../../common/database/database.js';
import { DataKeys } from '../../tenancy/index.js';
import { EnvoyApi } from '../envoy-api/index.js';
import type { SecretContent } from './secret-contents.js';
import type { Secret } from './secret.entity.js';

/** A version as it rests in the database. */
export interface SealedVersion {
  readonly id: string;
  readonly number: number;
  readonly ciphertext: string;
}

/** Keeps the contents of secrets, each sealed and never changed; only `SecretResources` has them open besides. */
@Injectable()
export class SecretVersions {
  constructor(
    private readonly keys: DataKeys,
    private readonly envoyApi: EnvoyApi,
  ) {}

  /** Whether the content equals that of the current version. */
  async hasContent(tx: Transaction, secret: Secret, content: SecretContent): Promise<boolean> {
    const { id, tenantId, name, currentVersion } = secret;
    const [version] = await tx.query<SealedVersion>(
      'select id, number, ciphertext from secret_versions where secret_id = $1 and number = $2',
      [id, currentVersion],
    );
    if (!version) throw new Error(`secret ${id} has lost its version ${currentVersion}`);
    const key = await this.keys.named(tx, tenantId, sealedUnder(version.ciphertext));
    try {
      return unsealVersion(key, tenantId, version).equals(this.encode(name, content));
    } catch (error) {
      if (!(error instanceof CannotUnseal)) throw error;
      // What was damaged is mended by giving the content again.
      return false;
    }
  }

  /** The number that the next version of a secret gets; called under the lock of its row. */
  async nextNumber(tx: Transaction, secretId: string): Promise<number> {
    const [row] = await tx.query<{ next: number }>(
      'select coalesce(max(number), 0) + 1 as next from secret_versions where secret_id = $1',
      [secretId],
    );
    return row?.next ?? 1;
  }

  /** Seals a content as that version. */
  async insert(
    tx: Transaction,
    { tenantId, actor }: RequestContext,
    what: { readonly secret: Secret; readonly number: number; readonly content: SecretContent },
  ): Promise<void> {
    const { secret, number, content } = what;
    const id = newId();
    const key = await this.keys.current(tx, tenantId);
    const encoded = this.encode(secret.name, content);
    await tx.query(
      `insert into secret_versions (tenant_id, id, secret_id, number, ciphertext, fingerprint, findings, expires_at,
                                    created_by_kind, created_by_id, created_by_name)
       values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11)`,
      [
        tenantId,
        id,
        secret.id,
        number,
        seal(key, encoded, placeOf(tenantId, { id, number })),
        fingerprintOf(key, encoded),
        JSON.stringify(content.warnings),
        expiryOf(content),
        actor.kind,
        actor.id,
        actor.name,
      ],
    );
    await insertCertificates(tx, { tenantId, versionId: id, certificates: content.certificates });
  }

  private encode(name: string, { message }: SecretContent): Buffer {
    return this.envoyApi.encode('secret', { name, ...message });
  }
}

/**
 * Envoy's `Secret`, encoded.
 * @throws CannotUnseal for a row that was changed, or put in the place of another
 */
export function unsealVersion(key: SealingKey, tenantId: string, version: SealedVersion): Buffer {
  return unseal(key, version.ciphertext, placeOf(tenantId, version));
}

const placeOf = (tenantId: string, { id, number }: Pick<SealedVersion, 'id' | 'number'>): readonly string[] => [
  tenantId,
  'secret_versions',
  id,
  String(number),
];

/** Equal for equal contents of a tenant; without the key it cannot be found out by guessing. */
function fingerprintOf(key: SealingKey, encoded: Buffer): string {
  const derived = Buffer.from(hkdfSync('sha256', key.key, '', 'fingerprint of a secret', 32));
  return createHmac('sha256', derived).update(encoded).digest('hex').slice(0, 32);
}

function expiryOf({ type, certificates }: SecretContent): Date | null {
  if (type !== 'tlsCertificate') return null;
  return certificates.map(({ notAfter }) => notAfter).reduce((a, b) => (b < a ? b : a));
}

async function insertCertificates(
  tx: Transaction,
  what: {
    readonly tenantId: string;
    readonly versionId: string;
    readonly certificates: readonly CertificateFacts[];
  },
): Promise<void> {
  const { tenantId, versionId, certificates } = what;
  if (certificates.length === 0) return;
  const rows = certificates.map((facts, position) => ({
    position,
    certificate_pem: facts.pem,
    not_before: facts.notBefore,
    not_after: facts.notAfter,
    issuer: facts.issuer,
    subject: facts.subject,
    san_dns_names: facts.dnsNames,
    san_ip_addresses: facts.ipAddresses,
    san_uris: facts.uris,
    serial_number: facts.serialNumber,
    fingerprint_sha256: facts.fingerprintSha256,
  }));
  const columns = Object.keys(rows[0] ?? {}).join(', ');
  await tx.query(
    `insert into certificates (tenant_id, secret_version_id, ${columns})
     select $1, $2, ${columns} from jsonb_populate_recordset(null::certificates, $3::jsonb)`,
    [tenantId, versionId, JSON.stringify(rows)],
  );
}
