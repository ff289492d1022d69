import { addTo } from '../metrics/add-to.js';

/** Counts the problems that requests were answered, for whoever publishes metrics. */
export class ProblemStats {
  /** By code, `validation-failed`. */
  readonly answered = new Map<string, number>();

  count(code: string): void {
    addTo(this.answered, code);
  }
}
