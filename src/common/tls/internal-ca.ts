// Asked for by @peculiar/x509, before it.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { writePem } from '../crypto/pem.js';
import { CannotUnseal, type MasterKey, resealed, seal, type SealingKey, unsealByMaster } from '../crypto/sealing.js';
import type { Database } from '../database/database.js';
import { type ServerCertificate, TlsRefused } from './server-certificate.js';

const NAME = 'internal';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3_650;
/** Clocks of proxies may be behind ours. */
const BACKDATED_MS = 60 * 60 * 1000;

type KeyPair = webcrypto.CryptoKeyPair;

interface CaRow {
  readonly certificate: string;
  readonly ciphertext: string;
}

/** For whom and how long a certificate is issued; times in milliseconds since the epoch. */
export interface IssueRequest {
  /** Host names and addresses that the server is reached by; at least one. */
  readonly hosts: readonly string[];
  readonly now: number;
  readonly validMs: number;
}

/**
 * The certificate authority of this installation (P-256, RFC 5280), the same on every replica. Its key rests in the database, sealed
 * under the master key, and is held open only in memory.
 */
export class InternalCa {
  private constructor(
    /** What rendered bootstraps pin. */
    readonly certificatePem: string,
    private readonly certificate: X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
  ) {}

  /**
   * Opens the CA, and makes it where there is none yet. Of replicas that start at once the first to commit wins, and the others take its CA.
   * @param now milliseconds since the epoch
   * @throws TlsRefused when it was sealed under another master key, or has expired
   */
  static async open(database: Database, masterKey: MasterKey, now: number): Promise<InternalCa> {
    const row = (await findCa(database)) ?? (await keepCa(database, await makeCa(masterKey, now), masterKey.id));
    const certificate = new X509Certificate(row.certificate);
    if (now > certificate.notAfter.getTime()) {
      throw new TlsRefused(`the internal CA expired on ${certificate.notAfter.toISOString().slice(0, 10)}`);
    }
    return new InternalCa(row.certificate, certificate, await openKey(masterKey, row.ciphertext));
  }

  /** Issues a certificate for a server, with a new key that is kept nowhere. It ends with the CA at the latest. */
  async issue({ hosts, now, validMs }: IssueRequest): Promise<ServerCertificate> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: 'CN=EFMS xDS',
      issuer: this.certificate.subjectName,
      notBefore: new Date(now - BACKDATED_MS),
      notAfter: new Date(Math.min(now + validMs, this.certificate.notAfter.getTime())),
      publicKey: keys.publicKey,
      signingKey: this.signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.certificate.publicKey),
      ],
    });
    return {
      chain: `${certificate.toString('pem')}\n`,
      key: writePem('PRIVATE KEY', await pkcs8(keys.privateKey)),
      authorities: this.certificatePem,
    };
  }
}

async function findCa(database: Database): Promise<CaRow | undefined> {
  const [row] = await database.system((tx) =>
    tx.query<CaRow>('select certificate, ciphertext from ca_keys where name = $1', [NAME]),
  );
  return row;
}

/** The row that stands after it: this one, or that of the replica which was faster. */
function keepCa(database: Database, made: CaRow, masterKeyId: string): Promise<CaRow> {
  return database.system(async (tx) => {
    await tx.query(
      `insert into ca_keys (name, certificate, ciphertext, master_key_id) values ($1, $2, $3, $4) on conflict do nothing`,
      [NAME, made.certificate, made.ciphertext, masterKeyId],
    );
    const [row] = await tx.query<CaRow>('select certificate, ciphertext from ca_keys where name = $1', [NAME]);
    return row ?? made;
  });
}

async function makeCa(masterKey: SealingKey, now: number): Promise<CaRow> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // The number tells the CAs of two installations apart where a person sees both.
    name: `CN=EFMS internal CA ${randomBytes(4).toString('hex')}`,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const ciphertext = seal(masterKey, await pkcs8(keys.privateKey), placeOfKey());
  return { certificate: `${certificate.toString('pem')}\n`, ciphertext };
}

async function openKey(masterKey: MasterKey, ciphertext: string): Promise<webcrypto.CryptoKey> {
  try {
    const key = unsealByMaster(masterKey, ciphertext, placeOfKey());
    return await webcrypto.subtle.importKey('pkcs8', key, ALGORITHM, false, ['sign']);
  } catch (error) {
    if (!(error instanceof CannotUnseal)) throw error;
    throw new TlsRefused('the internal CA was sealed under another EFMS_MASTER_KEY: give the one it was made with', {
      cause: error,
    });
  }
}

/**
 * Seals the key of the CA anew where that was done under a master key of before. The CA stays the same.
 * @returns whether it was
 * @throws CannotUnseal where it is sealed under a master key that is not given
 */
export function resealInternalCa(database: Database, masterKey: MasterKey): Promise<boolean> {
  return database.system(async (tx) => {
    const [row] = await tx.query<CaRow>('select certificate, ciphertext from ca_keys where name = $1 for update', [
      NAME,
    ]);
    const ciphertext = row && resealed(masterKey, row.ciphertext, placeOfKey());
    if (ciphertext === undefined) return false;
    await tx.query('update ca_keys set ciphertext = $2, master_key_id = $3 where name = $1', [
      NAME,
      ciphertext,
      masterKey.id,
    ]);
    return true;
  });
}

const placeOfKey = (): string[] => ['ca_keys', NAME];

const newKeys = (): Promise<KeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const pkcs8 = async (key: webcrypto.CryptoKey): Promise<Buffer> =>
  Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
