import { ApiContract } from './api-contract.js';

/** The document as it is committed, which the running server must agree with. */
export const contract = ApiContract.ofRepository();

/** What was answered otherwise since the last test, a line each. */
export const unmet: string[] = [];
