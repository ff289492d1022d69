import { expect, it } from '@jest/globals';
import type { LedgerBatch } from '../ledger/ledger.js';
import { heldFirst } from './held-first.js';

it('has the ledger told of a refusal once it is held back, and not before', async () => {
  const steps: string[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve)).then(() => void steps.push('held'));
  const sink = heldFirst({ written: () => held }, { write: () => Promise.resolve(void steps.push('told')) });
  const written = sink.write({} as LedgerBatch);
  await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual([]);
  release();
  await written;
  expect(steps).toEqual(['held', 'told']);
});
