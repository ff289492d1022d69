import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FirstPassword } from './first-password.js';

describe('FirstPassword', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-first-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('keeps the password for its owner only, until it is forgotten', () => {
    const first = new FirstPassword(dataDir);
    first.keep('secret');
    expect(readFileSync(first.file, 'utf8')).toBe('secret\n');
    expect(statSync(first.file).mode & 0o777).toBe(0o600);
    first.forget();
    first.forget();
    expect(existsSync(first.file)).toBe(false);
  });
});
