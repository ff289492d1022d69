/** What followers of events are told by one type. */
interface EventDefinition {
  /** What has happened, in a sentence. */
  readonly what: string;
  /** What `subjectId` is the id of. */
  readonly subject: string;
  /** What each field of the payload says. */
  readonly payload: Readonly<Record<string, string>>;
}

/** The events of a module by type; docs/reference/events.md is made from the tables of all. */
export type EventTable = Readonly<Record<string, EventDefinition>>;

/** An event that is in a table, with nothing in its payload that the table does not name. */
export type EventOf<T extends EventTable> = {
  readonly [K in keyof T & string]: {
    readonly type: K;
    readonly payload: Readonly<Partial<Record<keyof T[K]['payload'] & string, unknown>>>;
  };
}[keyof T & string];
