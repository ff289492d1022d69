import { parentPort, workerData } from 'node:worker_threads';
import type { Answer, Order, Run } from './thread-task.js';

/** The other side of `Threads`: does one order after the other, after those that it was made with. */
async function perform({ file, input }: Order): Promise<{ answer: Answer; transfer: readonly ArrayBuffer[] }> {
  try {
    const { run } = (await import(file)) as { readonly run: Run<unknown, unknown> };
    const { value, transfer } = await run(input);
    return { answer: { value }, transfer };
  } catch (error) {
    const thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { answer: { thrown }, transfer: [] };
  }
}

const { first } = workerData as { readonly first: readonly Order[] };
// What fails here fails again, and is told, when it is asked for.
for (const order of first) await perform(order);
parentPort?.on('message', (order: Order) => {
  void perform(order).then(({ answer, transfer }) => parentPort?.postMessage(answer, [...transfer]));
});
