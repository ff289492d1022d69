import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SentAnswer } from '../kit/contract/api-contract.js';
import { contract } from '../kit/contract/unmet.js';
import { type Efms, startEfms } from '../kit/efms.js';

const COMMITTED = new URL('../../docs/reference/openapi.json', import.meta.url);
const JSON_TYPE = 'application/json; charset=utf-8';
const TENANT = { id: '01890a5d-ac96-774b-bcce-b302099a8057', name: 'default' };
const ME = {
  principal: { kind: 'user', id: TENANT.id, name: 'admin@efms.local', email: 'admin@efms.local' },
  tenant: TENANT,
  role: 'admin',
  permissions: [],
};

/** Every test of this suite holds the answers that it fetches against the document (test/kit/contract); this one shows that it would be noticed. */
describe('the OpenAPI document and the running server', () => {
  let efms: Efms;
  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const told = (answer: Partial<SentAnswer>, body: unknown = ME): readonly string[] =>
    contract.mismatches({
      method: 'GET',
      url: `${efms.http}/api/v1/me?x=1`,
      status: 200,
      contentType: JSON_TYPE,
      text: JSON.stringify(body),
      ...answer,
    });

  it('are the same document', async () => {
    expect(await (await fetch(`${efms.http}/openapi.json`)).json()).toEqual(
      JSON.parse(readFileSync(COMMITTED, 'utf8')),
    );
  });

  it('agree on an answer that is as declared', () => expect(told({})).toEqual([]));

  it.each([
    ['a status', () => told({ status: 418 }), 'Me_me (GET /api/v1/me), status 418: the status is not declared'],
    ['a content type', () => told({ contentType: 'text/html' }), 'content type text/html is not declared'],
    ['a field', () => told({}, { ...ME, tenant: { ...TENANT, secret: 'x' } }), '/tenant must NOT have additional'],
    ['the lack of a field', () => told({}, { ...ME, role: undefined }), "must have required property 'role'"],
    ['a type', () => told({}, { ...ME, tenant: { ...TENANT, id: 7 } }), '/tenant/id must be string'],
    ['a body', () => told({ text: '' }), 'a body is declared, none was sent'],
    ['a route', () => told({ url: `${efms.http}/api/v1/secret-door` }), '/api/v1/secret-door: answered 200'],
  ])('disagree on %s that is not declared', (_, mismatches, line) => {
    expect(mismatches()).toEqual([expect.stringContaining(line)]);
  });

  it('disagree on a line of NDJSON and on an event that are not as declared', () => {
    const export_ = { url: `${efms.http}/api/v1/audit-logs/export`, contentType: 'application/x-ndjson' };
    expect(told({ ...export_, text: '{"id": "x"}\n' })[0]).toMatch(/^AuditLogs_export .*item: .*required property/);
    expect(contract.itemMismatches('Events_follow', { id: TENANT.id })[0]).toMatch(/required property/);
  });
});
