import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TARGET_REASONS } from '../../../src/deployments/services/judge.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

describe('the reasons why a target failed or was skipped', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('are the same to the engine, the database and the document of the API', async () => {
    const reasons = [...TARGET_REASONS, 'aborted'].sort();
    const [constraint] = await database.sql<{ definition: string }>(
      `select pg_get_constraintdef(oid) as definition from pg_constraint
        where conname = 'configuration_deployment_targets_reason_check'`,
    );
    expect([...(constraint?.definition ?? '').matchAll(/'(\w+)'/g)].map(([, reason]) => reason).sort()).toEqual(
      reasons,
    );
    const document = JSON.parse(
      readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8'),
    ) as { components: { schemas: Record<string, { properties?: { reason?: { enum?: (string | null)[] } } }> } };
    const documented = document.components.schemas['DeploymentTargetDto']?.properties?.reason?.enum ?? [];
    expect(documented.filter((reason) => reason !== null).sort()).toEqual(reasons);
  });
});
