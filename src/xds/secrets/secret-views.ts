import type { Actor } from '../../common/context/request-context.js';
import type { Reader } from '../../common/database/database.js';
import type { Finding } from '../../common/errors/finding.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, type ListPage, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import type { SecretType } from './secret-values.js';

/** What a certificate of a secret says. */
export interface CertificateView {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly fingerprintSha256: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** A version without its content, which is never read out. */
export interface SecretVersionView {
  readonly number: number;
  readonly current: boolean;
  /** Tells contents apart; it cannot be computed without the tenant's key. */
  readonly fingerprint: string;
  readonly certificates: readonly CertificateView[];
  readonly findings: readonly Finding[];
  readonly expiresAt: Date | null;
  readonly createdBy: Actor;
  readonly createdAt: Date;
}

/** A secret as the API shows it. */
export interface SecretView {
  readonly id: string;
  readonly name: string;
  readonly type: SecretType;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The one that proxies are given. */
  readonly version: SecretVersionView;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface SecretFilter {
  readonly type: SecretType | undefined;
}

interface JsonVersion extends Omit<SecretVersionView, 'expiresAt' | 'createdAt' | 'certificates'> {
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly certificates: readonly JsonCertificate[];
}

interface JsonCertificate extends Omit<CertificateView, 'notBefore' | 'notAfter'> {
  readonly notBefore: string;
  readonly notAfter: string;
}

interface SecretRow extends Omit<SecretView, 'revision' | 'version'> {
  readonly revision: string;
  readonly version: JsonVersion;
}

export const SECRET_LIST: ListDefinition = {
  name: 'secrets',
  keys: {
    name: { column: 's.name', type: 'text', unique: true },
    createdAt: { column: 's.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 's.id', type: 'uuid', unique: true },
};

export const SECRET_VERSION_LIST: ListDefinition = {
  name: 'secret-versions',
  keys: {
    number: { column: 'v.number', type: 'bigint', unique: true },
    // Versions are made in the order of their numbers.
    createdAt: { column: 'v.number', type: 'bigint', unique: true },
  },
  defaultSort: '-number',
  id: { column: 'v.id', type: 'uuid', unique: true },
};

const CERTIFICATES = `coalesce((
  select json_agg(json_build_object('subject', c.subject, 'issuer', c.issuer, 'serialNumber', c.serial_number,
           'notBefore', c.not_before, 'notAfter', c.not_after, 'fingerprintSha256', c.fingerprint_sha256,
           'dnsNames', c.san_dns_names, 'ipAddresses', c.san_ip_addresses, 'uris', c.san_uris) order by c.position)
    from certificates c where c.tenant_id = v.tenant_id and c.secret_version_id = v.id), '[]')`;

const VERSION = `json_build_object('number', v.number, 'current', v.number = s.current_version, 'fingerprint', v.fingerprint,
  'certificates', ${CERTIFICATES}, 'findings', v.findings, 'expiresAt', v.expires_at, 'createdAt', v.created_at,
  'createdBy', json_build_object('kind', v.created_by_kind, 'id', v.created_by_id, 'name', v.created_by_name))`;

const COLUMNS = `
  s.id, s.name, s.secret_type as type, s.description, s.metadata, s.revision,
  s.created_at as "createdAt", s.updated_at as "updatedAt",
  (select ${VERSION} from secret_versions v
    where v.tenant_id = s.tenant_id and v.secret_id = s.id and v.number = s.current_version) as version`;

export async function findSecretView(reader: Reader, address: Address): Promise<SecretView | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const rows = await reader.query<SecretRow>(`select ${COLUMNS} from secrets s where s.${column} = $1`, [value]);
  return rows[0] && secretOf(rows[0]);
}

export async function listSecretViews(reader: Reader, filter: SecretFilter, page: ListPage): Promise<Page<SecretView>> {
  const conditions = new Conditions();
  conditions.equal('s.secret_type', filter.type);
  page.addTo(conditions);
  const rows = await reader.query<SecretRow & Placed>(
    `select ${COLUMNS}, ${page.placeColumn} from secrets s where ${conditions.sql} ${page.order}`,
    conditions.params,
  );
  return page.page(rows, secretOf);
}

export async function findVersionView(
  reader: Reader,
  secretId: string,
  number: number,
): Promise<SecretVersionView | undefined> {
  const rows = await reader.query<{ version: JsonVersion }>(
    `select ${VERSION} as version from secrets s
       join secret_versions v on v.tenant_id = s.tenant_id and v.secret_id = s.id
      where s.id = $1 and v.number = $2`,
    [secretId, number],
  );
  return rows[0] && versionOf(rows[0].version);
}

export async function listVersionViews(
  reader: Reader,
  secretId: string,
  page: ListPage,
): Promise<Page<SecretVersionView>> {
  const conditions = new Conditions();
  conditions.equal('v.secret_id', secretId);
  page.addTo(conditions);
  const rows = await reader.query<{ version: JsonVersion } & Placed>(
    `select ${VERSION} as version, ${page.placeColumn} from secret_versions v
       join secrets s on s.tenant_id = v.tenant_id and s.id = v.secret_id
      where ${conditions.sql} ${page.order}`,
    conditions.params,
  );
  return page.page(rows, ({ version }) => versionOf(version));
}

function secretOf({ place: _, revision, version, ...row }: SecretRow & Partial<Placed>): SecretView {
  return { ...row, version: versionOf(version), revision: Number(revision) };
}

function versionOf(version: JsonVersion): SecretVersionView {
  return {
    ...version,
    expiresAt: version.expiresAt === null ? null : new Date(version.expiresAt),
    createdAt: new Date(version.createdAt),
    certificates: version.certificates.map((certificate) => ({
      ...certificate,
      notBefore: new Date(certificate.notBefore),
      notAfter: new Date(certificate.notAfter),
    })),
  };
}
