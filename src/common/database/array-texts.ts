/**
 * Arrays of uuids and numbers as PostgreSQL reads them. pg makes them from lists too, but takes each element apart letter by letter for what
 * has to be escaped, which for thousands of rows is most of what a statement costs.
 */
export const uuidArray = (ids: readonly string[]): string => `{${ids.join(',')}}`;

/** The same of numbers, of which some may be missing. */
export const numberArray = (numbers: readonly (number | null)[]): string =>
  `{${numbers.map((number) => number ?? 'NULL').join(',')}}`;
