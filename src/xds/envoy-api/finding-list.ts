import type { Finding } from '../../common/errors/finding.js';

/** More than anybody reads at once; a hostile document could have millions. */
const LIMIT = 200;

/** Collects findings. Beyond the limit they are only counted, and their words not even made. */
export class FindingList {
  private readonly errors: Finding[] = [];
  private readonly warnings: Finding[] = [];
  private errorCount = 0;
  private warningCount = 0;

  /** @param make called only where the finding is kept */
  error(make: () => Omit<Finding, 'severity'>): void {
    if (++this.errorCount <= LIMIT) this.errors.push({ ...make(), severity: 'error' });
  }

  warning(make: () => Omit<Finding, 'severity'>): void {
    if (++this.warningCount <= LIMIT) this.warnings.push({ ...make(), severity: 'warning' });
  }

  get hasErrors(): boolean {
    return this.errorCount > 0;
  }

  /** Whether an error about this place is kept. */
  hasErrorAt(pointer: string): boolean {
    return this.errors.some((finding) => finding.pointer === pointer);
  }

  /** Errors first, each in the order found; a last finding says how many more there are. */
  toArray(): Finding[] {
    const kept = [...this.errors, ...this.warnings].slice(0, LIMIT);
    const more = this.errorCount + this.warningCount - kept.length;
    if (more === 0) return kept;
    const severity = this.hasErrors ? 'error' : 'warning';
    const detail = `${more} more findings are not listed; mend these first`;
    return [...kept, { pointer: '', rule: 'findings.more', detail, severity }];
  }
}
