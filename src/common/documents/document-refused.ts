import type { Finding } from '../errors/finding.js';

/** A document that was not read, with what is wrong and where. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';

  constructor(readonly finding: Finding) {
    super(finding.detail);
  }

  /** A refusal of the document as a whole. */
  static because(rule: string, detail: string): DocumentRefused {
    return new DocumentRefused({ pointer: '', rule, detail, severity: 'error' });
  }
}
