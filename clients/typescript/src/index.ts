export { type ClientOptions, type Answer, type CallOptions, type StreamMessage } from './transport.js';
export { ProblemError } from './problem-error.js';
export { EfmsClient } from './generated/client.js';
export type * from './generated/types.js';
