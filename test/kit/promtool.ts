import { spawnSync } from 'node:child_process';
import { describe, it } from '@jest/globals';
import { findPromtool, HOW_TO_GET_PROMTOOL } from '../../tools/promtool-binary.mjs';

/**
 * The `describe` of a suite that needs promtool. Without one the suite is skipped and says so on one line; with PROMTOOL_REQUIRED=1 it
 * fails instead.
 */
export function describeWithPromtool(name: string, suite: () => void): void {
  if (findPromtool() !== undefined) {
    describe(name, suite);
  } else if (process.env['PROMTOOL_REQUIRED'] === '1') {
    describe(name, () => {
      it('finds a promtool, which PROMTOOL_REQUIRED=1 demands', () => {
        throw new Error(`no promtool found: ${HOW_TO_GET_PROMTOOL}`);
      });
    });
  } else {
    process.stderr.write(`skipped "${name}", no promtool found: ${HOW_TO_GET_PROMTOOL}\n`);
    describe.skip(name, suite);
  }
}

/** Runs promtool and answers its exit code and all that it printed. */
export function promtool(args: readonly string[], input = ''): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(findPromtool()!, args, { input, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}
