import type { DescField, DescOneof } from '@bufbuild/protobuf';
import type { FindingList } from '../finding-list.js';
import type { Fields, MessageTree } from '../message-tree.js';
import type { Step } from '../place.js';
import type { Check } from './check.js';

/** Where the evaluation of rules is in a tree of messages, and what it found. */
export class RuleWalk {
  private readonly steps: Step[] = [];

  /** @param pointerTo the pointer for steps that lead from the resource to a value */
  constructor(
    readonly tree: MessageTree,
    private readonly findings: FindingList,
    private readonly pointerTo: (steps: readonly Step[]) => string,
  ) {}

  /** Checks what a step leads to, so that findings point there. */
  at(step: Step, check: () => void): void {
    this.steps.push(step);
    check();
    this.steps.pop();
  }

  /** @param owner the message that has the value in this field */
  run(checks: readonly Check[], value: unknown, field: DescField, owner: Fields): void {
    for (const { rule, problem } of checks) {
      const words = problem(value);
      if (words !== undefined) this.report(rule, field, words, { owner, value });
    }
  }

  /**
   * @param about the value that breaks the rule, and the message that has it: where something in that message could not be read,
   *   the absence of a value says nothing
   */
  report(rule: string, member: DescField | DescOneof, words: string, about: { owner: Fields; value: unknown }): void {
    if (isAbsent(about.value) && this.tree.isDamaged(about.owner)) return;
    this.findings.error(() => ({
      pointer: this.pointerTo(this.steps),
      rule,
      detail: `${member.name} in ${member.parent.name} ${words}`,
    }));
  }
}

/** Whether a value is what an absent field reads as. */
function isAbsent(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || value instanceof Uint8Array ? value.length === 0 : Object.keys(value).length === 0;
}
