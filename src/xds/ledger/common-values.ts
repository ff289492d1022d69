/**
 * What many rows of a batch have in common, written once and referred to by number: of one push, all rows say the same but for ids and times.
 */
export class CommonValues {
  private readonly numbers = new Map<unknown, number>();
  private readonly all: object[] = [];

  /** @param key equal for equal values */
  numberOf(key: unknown, values: () => object): number {
    let no = this.numbers.get(key);
    if (no === undefined) {
      no = this.all.length;
      this.numbers.set(key, no);
      this.all.push({ no, ...values() });
    }
    return no;
  }

  /** For `json_to_recordset`; each with its number as `no`. */
  toJson(): string {
    return JSON.stringify(this.all);
  }
}
