import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parseDocument } from 'yaml';
import { loadConfig } from '../../src/common/config/config.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const KEYS = {
  DATABASE_URL: 'postgresql://efms_app:a@postgres:5432/efms',
  DATABASE_SYSTEM_URL: 'postgresql://efms_system:b@postgres:5432/efms',
  DATABASE_OWNER_URL: 'postgresql://efms_owner:c@postgres:5432/efms',
  EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
  EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
};

/** `ENV` of the Dockerfile, without PATH. */
function imageSettings(): Record<string, string> {
  const found = read('deploy/Dockerfile').matchAll(/\b(EFMS_\w+)=(\S+?)(?: \\)?$/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name, value]));
}

describe('docker-compose.yml', () => {
  const document = parseDocument(read('docker-compose.yml'), { merge: true, strict: true });
  const { services, volumes } = document.toJS();
  const replicas = ['efms-1', 'efms-2'].map((name) => services[name]);

  it('is YAML without a doubt', () => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
  });

  it('names only services and volumes that it has', () => {
    for (const service of Object.values<any>(services)) {
      for (const name of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty([name]);
      for (const volume of service.volumes ?? []) {
        const [source] = String(volume).split(':');
        if (!source!.startsWith('.')) expect(volumes).toHaveProperty([source!]);
      }
    }
  });

  it('starts two replicas with settings that EFMS takes, under one name and with TLS for proxies', () => {
    for (const replica of replicas) {
      const config = loadConfig({ ...imageSettings(), ...KEYS, ...replica.environment });
      expect(config.xds).toMatchObject({ tls: 'internal', publicAddress: { host: 'efms', port: 18000 } });
      expect(replica.networks.default.aliases).toEqual(['efms']);
    }
  });

  it('gives the owner of the schema to the migration alone', () => {
    for (const replica of replicas) {
      const config = loadConfig({ ...imageSettings(), ...KEYS, ...replica.environment });
      expect(config).toMatchObject({ migrateOnStart: false });
      expect(config.database).not.toHaveProperty('owner');
      expect(replica.depends_on.migrate.condition).toBe('service_completed_successfully');
    }
    const migrate = loadConfig({ ...imageSettings(), ...KEYS, ...services.migrate.environment });
    expect(migrate.database?.owner).toBe(KEYS.DATABASE_OWNER_URL);
  });

  it('publishes nothing beyond this machine and holds no secret', () => {
    for (const service of Object.values<any>(services)) {
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const name of Object.keys(service.environment ?? {})) expect(name).not.toMatch(/PASSWORD|SECRET|MASTER_KEY/);
    }
    expect(read('.gitignore').split('\n')).toContain('*.env');
    expect(read('deploy/envoy/.gitignore').split('\n')).toContain('bootstrap.yaml');
  });
});

describe('the image', () => {
  const dockerfile = read('deploy/Dockerfile');

  it('takes from the build folder only what the context lets in', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/\/src\/(\S+)/g)].map(([, file]) => file!);
    const built = ['node_modules', 'dist'];
    expect(copied.filter((file) => !allowed.includes(file) && !built.includes(file))).toEqual([]);
    expect(allowed).toEqual(expect.arrayContaining(['package-lock.json', '.swcrc', 'src', 'clients/typescript/src']));
  });

  it('runs as nobody special and demands a certificate or consent to plaintext', () => {
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(() => loadConfig(imageSettings())).toThrow(/EFMS_HTTP_HOST: 0\.0\.0\.0 is not a loopback address/);
    expect(loadConfig({ ...imageSettings(), EFMS_ALLOW_PLAINTEXT: '1' }).dataDir).toBe('/var/lib/efms');
  });
});

describe('what starts EFMS', () => {
  const memory = read('package.json').match(/"start": "exec node .*(--max-semi-space-size=\d+) dist/)?.[1] ?? 'nothing';

  it.each(['deploy/Dockerfile', 'deploy/systemd/efms.service'])(
    'gives Node as much for young objects in %s',
    (file) => {
      expect(read(file)).toContain(memory);
    },
  );
});

describe('the systemd unit', () => {
  const unit = read('deploy/systemd/efms.service');
  const values = (key: string): string[] => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, v]) => v!);

  it('keeps the state where EFMS looks for it, and all else read-only', () => {
    const settings = Object.fromEntries(values('Environment').map((setting) => setting.split('=')));
    expect(loadConfig(settings).dataDir).toBe(`/var/lib/${values('StateDirectory')[0]}`);
    expect(values('ProtectSystem')).toEqual(['strict']);
    expect(values('NoNewPrivileges')).toEqual(['yes']);
    expect(values('DynamicUser')).toEqual(['yes']);
  });

  it('lets V8 and PostgreSQL live', () => {
    expect(values('MemoryDenyWriteExecute')).toEqual([]);
    expect(values('RestrictAddressFamilies')[0]).toContain('AF_UNIX');
    expect(values('SystemCallFilter')).toEqual(['@system-service']);
  });
});
