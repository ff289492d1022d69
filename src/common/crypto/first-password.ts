import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The generated password of the first start, kept in a file of the data directory until somebody has changed it. */
export class FirstPassword {
  readonly file: string;

  constructor(dataDir: string) {
    this.file = path.join(dataDir, 'keys', 'first-password');
  }

  /** Writes it for its owner's eyes only. */
  keep(password: string): void {
    mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    writeFileSync(this.file, `${password}\n`, { mode: 0o600 });
  }

  forget(): void {
    rmSync(this.file, { force: true });
  }
}
