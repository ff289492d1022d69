import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { startCommand } from '../../../src/infrastructure/bootstrap/render-bootstrap.js';

describe('the start command', () => {
  const run = (): string[] => {
    const script = `cat() { echo "boot of $1"; }\nenvoy() { for a in "$@"; do printf '%s\\n' "$a"; done; }\n${startCommand('immediate')}`;
    return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  };

  it('gives Envoy the bootstrap, a boot id of this start and the drain strategy, whatever the shell makes of quotes', () => {
    const [flag, file, overlay, json, ...rest] = run();
    expect([flag, file, overlay, rest]).toEqual([
      '-c',
      'bootstrap.yaml',
      '--config-yaml',
      ['--drain-strategy', 'immediate'],
    ]);
    expect(JSON.parse(json!)).toEqual({
      node: { metadata: { 'efms.boot_id': 'boot of /proc/sys/kernel/random/uuid' } },
    });
  });
});
