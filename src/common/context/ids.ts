import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 §5.7): unique everywhere, and close in time is close in the index. */
export const newId = (): string => v7();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => UUID.test(text);
