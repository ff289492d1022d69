import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { EVENT_TYPE } from '../dto/event.dto.js';
import { permissionOf } from './event-filter.js';
import { EVENTS } from './event-types.js';

describe('every event that there is', () => {
  const document = readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8');

  it.each(Object.keys(EVENTS))('%s can be asked for, and needs a permission that routes need', (type) => {
    const [kind = ''] = type.split('.');
    for (const asked of [type, `${kind}.*`]) expect(asked).toMatch(EVENT_TYPE);
    expect(document).toContain(`"x-efms-permission": "${permissionOf(type)}"`);
  });
});
