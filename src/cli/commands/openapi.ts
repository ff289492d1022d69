import { describeApi } from '../../start/openapi.js';

/** Prints the OpenAPI document; needs neither database nor ports. */
export async function printOpenApi(): Promise<void> {
  process.stdout.write(`${JSON.stringify(await describeApi(), null, 2)}\n`);
}
