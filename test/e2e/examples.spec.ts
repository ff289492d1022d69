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
});
