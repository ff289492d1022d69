import { describe, expect, it } from '@jest/globals';
import { ProblemError } from '../errors/problem.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery } from './list.js';

const THINGS: ListDefinition = {
  name: 'things',
  keys: {
    name: { column: 't.name', type: 'text', unique: true },
    createdAt: { column: 't.created_at', type: 'timestamptz' },
    size: { column: 't.size', type: 'bigint' },
  },
  defaultSort: 'name',
  id: { column: 't.id', type: 'uuid' },
};
const ID = '0190a0b0-0000-7000-8000-000000000001';
const request = (query: Partial<ListQuery>, filters = {}, tenantId = 'a') => ({
  tenantId,
  query: { limit: 2, ...query },
  filters,
});
const statusOf = (work: () => unknown): number | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof ProblemError ? error.definition.status : -1;
  }
};
/** The cursor behind the second of three rows. */
const cursorOf = (query: Partial<ListQuery>, place: string[], filters = {}): string => {
  const { nextCursor } = new ListPage(THINGS, request(query, filters)).page(
    [{ place: [] }, { place }, { place: [] }],
    Object,
  );
  return nextCursor!;
};
const sqlOf = (query: Partial<ListQuery>): [string, string, unknown[]] => {
  const list = new ListPage(THINGS, request(query));
  const conditions = new Conditions();
  list.addTo(conditions);
  return [conditions.sql, list.order, conditions.params];
};

describe('ListPage', () => {
  it('sorts by what is asked, and by id where that leaves ties', () => {
    expect(sqlOf({})[1]).toBe('order by t.name limit 3');
    expect(sqlOf({ sort: '-createdAt' })[1]).toBe('order by t.created_at desc, t.id desc limit 3');
    expect(sqlOf({ sort: '-createdAt,name' })[1]).toBe('order by t.created_at desc, t.name limit 3');
    expect(sqlOf({ sort: 'name,size' })[1]).toBe('order by t.name limit 3');
  });

  it('goes on behind the cursor with one comparison of rows', () => {
    const cursor = cursorOf({ sort: '-size' }, ['5', ID]);
    expect(sqlOf({ sort: '-size', cursor })).toEqual([
      'true and (t.size, t.id) < ($1::text::bigint, $2::text::uuid)',
      'order by t.size desc, t.id desc limit 3',
      ['5', ID],
    ]);
  });

  it('goes on in mixed directions', () => {
    const cursor = cursorOf({ sort: '-size,name' }, ['5', 'x']);
    expect(sqlOf({ sort: '-size,name', cursor })[0]).toBe(
      'true and t.size <= $1::text::bigint and ((t.size < $1::text::bigint) or (t.size = $1::text::bigint and t.name > $2::text::text))',
    );
  });

  it('gives out no cursor on the last page', () => {
    const list = new ListPage(THINGS, request({}));
    expect(list.page([{ place: ['a'] }, { place: ['b'] }], ({ place }) => place[0])).toEqual({
      items: ['a', 'b'],
      nextCursor: null,
    });
  });

  it('takes a cursor only with its own list, tenant, sort and filters', () => {
    const cursor = cursorOf({}, ['b'], { role: 'edge' });
    const read = (query: Partial<ListQuery>, filters: object, tenantId = 'a', list = THINGS) =>
      statusOf(() => new ListPage(list, request({ cursor, ...query }, filters, tenantId)));
    expect(read({}, { role: 'edge' })).toBeUndefined();
    expect(read({}, { role: 'other' })).toBe(400);
    expect(read({ sort: '-name' }, { role: 'edge' })).toBe(400);
    expect(read({}, { role: 'edge' }, 'b')).toBe(400);
    expect(read({}, { role: 'edge' }, 'a', { ...THINGS, name: 'others' })).toBe(400);
  });

  it.each([
    ['nothing that was encoded', '%%%'],
    ['not a list', Buffer.from('{"a":1}').toString('base64url')],
    ['not of strings', Buffer.from('[1,2]').toString('base64url')],
  ])('refuses a cursor that is %s', (_, cursor) => {
    expect(statusOf(() => new ListPage(THINGS, request({ cursor })))).toBe(400);
  });

  it.each([
    ['createdAt', ['yesterday', ID]],
    ['createdAt', ['2026-02-31 00:00:00+00', ID]],
    ['createdAt', ['2026-02-01 99:00:00+00', ID]],
    ['createdAt', ['2026-01-01 00:00:00.000001+00', 'no id']],
    ['size', ['1; drop table', ID]],
    ['name', ['nul\0']],
    ['name', ['one', 'too many']],
  ])('refuses values that %s cannot have: %j', (sort, place) => {
    expect(statusOf(() => new ListPage(THINGS, request({ sort, cursor: cursorOf({ sort }, place) })))).toBe(400);
  });

  it.each(['', 'unknown', 'name,', '--name', 'size,-size', 'constructor', 't.name', ' name'])(
    'refuses the sort %j',
    (sort) => {
      expect(statusOf(() => new ListPage(THINGS, request({ sort })))).toBe(422);
    },
  );
});
