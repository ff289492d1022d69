import type { Finding } from '../../common/errors/finding.js';

/** Collects what is wrong with the content of a secret, or worth saying. No detail quotes the content. */
export class ContentFindings {
  private readonly findings: Finding[] = [];

  get errors(): readonly Finding[] {
    return this.findings.filter(({ severity }) => severity === 'error');
  }

  get warnings(): readonly Finding[] {
    return this.findings.filter(({ severity }) => severity === 'warning');
  }

  error(pointer: string, rule: string, detail: string): void {
    this.findings.push({ pointer, rule: `secret.${rule}`, detail, severity: 'error' });
  }

  warning(pointer: string, rule: string, detail: string): void {
    this.findings.push({ pointer, rule: `secret.${rule}`, detail, severity: 'warning' });
  }
}
