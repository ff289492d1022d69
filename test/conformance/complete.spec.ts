import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const folder = path.dirname(fileURLToPath(import.meta.url));
const page = readFileSync(path.join(folder, '../../docs/reference/xds.md'), 'utf8');

/** Titles of tests: string literals that begin with cases or rules. */
const TITLE = /(['"`])((?:(?:E-\d\d|R\d{1,2}) )+.*?)\1/g;
const titles = readdirSync(folder)
  .filter((file) => file.endsWith('.spec.ts'))
  .flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(TITLE)].map((match) =>
      match[2]!.replace(/ \((?:%s|\$\w+)\)$/, ''),
    ),
  );

const idsOf = (title: string): string[] => /^(?:(?:E-\d\d|R\d{1,2}) )+/.exec(title)![0].trim().split(' ');

const CASES = Array.from({ length: 54 }, (_, i) => `E-${String(i + 1).padStart(2, '0')}`);
const RULES = Array.from({ length: 22 }, (_, i) => `R${i + 1}`);

describe('the suite', () => {
  it('has a test for each of the 54 cases and 22 rules', () => {
    const tested = new Set(titles.flatMap(idsOf));
    expect([...CASES, ...RULES].filter((id) => !tested.has(id))).toEqual([]);
  });

  it('is told line by line in docs/reference/xds.md, and nothing else is', () => {
    const told = [...page.matchAll(/^\| `((?:E-\d\d|R\d).*?)` +\|/gm)].map((match) => match[1]!);
    expect(told.sort()).toEqual([...new Set(titles)].sort());
  });
});
