import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { contract } from '../kit/contract/unmet.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { type Documented, documentedOperations, ExampleWalk, WALK, WALKER } from '../kit/example-walk.js';

describe('the examples of the OpenAPI document', () => {
  let efms: Efms;
  let documented: readonly Documented[];

  beforeAll(async () => {
    efms = await startEfms({ env: WALKER });
    documented = await documentedOperations(efms);
  });
  afterAll(() => efms.stop());

  it('are there for every operation, with words that say what it does and problems that it may end in', () => {
    const missing = documented.flatMap((operation) => {
      const { operationId, summary, description, requestBody, responses } = operation;
      const media = [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}));
      const refusals = Object.entries(responses).filter(([status]) => status.startsWith('4'));
      const isApi = operation.path.startsWith('/api/');
      return [
        ...(summary ? [] : [`${operationId} has no summary`]),
        ...(description ? [] : [`${operationId} has no description`]),
        ...(media.every(({ example }) => example !== undefined) ? [] : [`${operationId} has a body without example`]),
        ...(!isApi || refusals.length > 0 ? [] : [`${operationId} declares no refusal`]),
        ...(refusals.every(([, { content }]) => content?.['application/problem+json'])
          ? []
          : [`${operationId} refuses with something that is no problem document`]),
      ];
    });
    expect(missing).toEqual([]);
  });

  it('are answers as the document describes them', () => {
    const wrong = documented.flatMap(({ method, path, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content)
          .filter(([type]) => type.endsWith('json') && !type.includes('ndjson'))
          .flatMap(([contentType, { example }]) =>
            contract.mismatches({
              method,
              url: efms.http + path,
              status: Number(status),
              contentType,
              text: JSON.stringify(example),
            }),
          ),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('can be pasted, one after the other, and all work', async () => {
    expect(WALK.map(({ operation }) => operation).sort()).toEqual(documented.map((o) => o.operationId).sort());
    const walk = new ExampleWalk(efms, documented);
    const refused: string[] = [];
    for (const step of WALK) {
      const answer = await walk.take(step);
      if (answer.status >= 300) refused.push(`${step.operation}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    expect(refused).toEqual([]);
  });

  it('have told followers nothing but what the page of events names', async () => {
    const told = await efms.database.sql<{ type: string; fields: string[] | null }>(
      `select type, array_agg(distinct field) filter (where field is not null) as fields
         from outbox_events left join lateral jsonb_object_keys(payload) as field on true group by type order by type`,
    );
    expect(told.length).toBeGreaterThan(5);
    const page = readFileSync(new URL('../../docs/reference/events.md', import.meta.url), 'utf8');
    const sections = new Map(page.split('\n## ').map((section) => [section.split('\n')[0]!, section]));
    const unnamed = told.flatMap(({ type, fields }) =>
      (fields ?? [])
        .filter((field) => !sections.get(type)?.includes(`| \`${field}\``))
        .map((field) => `${type}: ${field}`),
    );
    expect([told.filter(({ type }) => !sections.has(type)), unnamed]).toEqual([[], []]);
  });
});
