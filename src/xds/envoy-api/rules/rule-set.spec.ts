import { describe, expect, it } from '@jest/globals';
import { create, getOption } from '@bufbuild/protobuf';
import { loadDescriptors } from '../descriptor-registry.js';
import { FindingList } from '../finding-list.js';
import { MessageTree } from '../message-tree.js';
import { RuleSet } from './rule-set.js';
import { RuleWalk } from './rule-walk.js';

describe('RuleSet', () => {
  const registry = loadDescriptors();
  const types = [...registry].filter((type) => type.kind === 'message');

  it('compiles the rules of every message of the Envoy API, and checks an empty one without throwing', () => {
    const rules = new RuleSet(registry);
    const broken = types.filter((type) => {
      const findings = new FindingList();
      const tree = new MessageTree();
      rules.check({ type, message: create(type) }, new RuleWalk(tree, findings, () => ''));
      return findings.hasErrors;
    });
    // Hundreds of messages cannot be empty; fewer would mean that rules are no longer seen.
    expect(broken.length).toBeGreaterThan(300);
  });

  it('has only expressions from the API that match in linear time', () => {
    const option = registry.getExtension('validate.rules')!;
    const patterns = new Set<string>();
    for (const { fields } of types) {
      for (const field of fields) {
        JSON.stringify(getOption(field, option), (key, value: unknown) => {
          if (key === 'pattern' && typeof value === 'string' && value !== '') patterns.add(value);
          return typeof value === 'bigint' ? Number(value) : value;
        });
      }
    }
    expect(patterns.size).toBeGreaterThan(0);
    // A quantified group that itself ends in a quantifier is what takes exponential time.
    for (const pattern of patterns) expect(pattern).not.toMatch(/[+*]\)[+*]/);
  });
});
