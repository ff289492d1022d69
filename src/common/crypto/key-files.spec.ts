import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadKeys } from './key-files.js';

describe('loadKeys', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-keys-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('makes both keys once, readable by their owner only', () => {
    const first = loadKeys({ dataDir });
    expect(first.masterKey.key).toHaveLength(32);
    expect(first.jwtSecret.length).toBeGreaterThanOrEqual(32);
    expect(loadKeys({ dataDir })).toEqual(first);
    expect(statSync(path.join(dataDir, 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(dataDir, 'keys', 'master')).mode & 0o777).toBe(0o600);
  });

  it('takes the keys it is given and names the master key by its content', () => {
    const masterKey = Buffer.alloc(32, 7).toString('base64');
    const keys = loadKeys({ dataDir, masterKey, jwtSecret: 'x'.repeat(32) });
    expect(keys.jwtSecret.toString()).toBe('x'.repeat(32));
    expect(keys.masterKey.id).toMatch(/^master-[0-9a-f]{12}$/);
    expect(
      loadKeys({ dataDir, masterKey: Buffer.alloc(32, 8).toString('base64'), jwtSecret: 'x'.repeat(32) }).masterKey.id,
    ).not.toBe(keys.masterKey.id);
  });

  it('refuses a key file that was damaged', () => {
    loadKeys({ dataDir });
    writeFileSync(path.join(dataDir, 'keys', 'master'), 'short');
    expect(() => loadKeys({ dataDir })).toThrow(/master does not hold 32 bytes/);
  });
});
