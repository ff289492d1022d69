import { afterAll, afterEach } from '@jest/globals';
import { contract, unmet } from './unmet.js';

/**
 * Holds every answer that a test fetches against docs/reference/openapi.json, whoever fetches it; jest runs this in front of each file.
 * A mismatch fails the test that was running, even where the call swallows errors.
 */
const genuineFetch = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const response = await genuineFetch(input, init);
  const { method = 'GET' } = init ?? {};
  const contentType = response.headers.get('content-type');
  const answer = { method, url: response.url, status: response.status, contentType };
  if (contentType?.startsWith('text/event-stream')) unmet.push(...contract.mismatches(answer));
  else {
    const text = await textOf(response);
    if (text !== undefined) unmet.push(...contract.mismatches({ ...answer, text }));
  }
  return response;
};

/** The body, which the test can still read; undefined where it breaks off, which is for the test to notice. */
async function textOf(response: Response): Promise<string | undefined> {
  try {
    return await response.clone().text();
  } catch {
    return undefined;
  }
}

function expectAgreement(): void {
  const lines = [...new Set(unmet.splice(0))];
  if (lines.length > 0)
    throw new Error(`answered otherwise than docs/reference/openapi.json says:\n${lines.join('\n')}`);
}

afterEach(expectAgreement);
afterAll(expectAgreement);
