import type { Visited } from '../message-walk.js';
import type { Step } from '../place.js';

/** Takes what a check of one message found: the steps from the message to the place, and the rule with its sentence. */
export type Report = (severity: 'error' | 'warning', steps: readonly Step[], rule: string, detail: string) => void;

/**
 * Looks at one message of a resource for itself.
 * @param isDamaged something in the message could not be read, so that nothing can be concluded from what it lacks
 */
export type MessageCheck = (visited: Visited, report: Report, isDamaged: boolean) => void;
