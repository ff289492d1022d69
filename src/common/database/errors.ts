/** PostgreSQL cannot be reached or is not taking work now; nothing was written. The HTTP filter answers 503. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}
