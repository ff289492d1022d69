import type { Address } from '../address.js';
import type { Preconditions } from '../etag.js';

/** One write of a collection, the same whether it comes alone or with others. */
export type Change<Request> =
  | { readonly action: 'create'; readonly request: Request }
  | ({
      readonly action: 'put';
      readonly address: Address;
      /** The description, once the name is known. */
      readonly requestFor: (name: string) => Request;
    } & Preconditions)
  | {
      readonly action: 'patch';
      readonly address: Address;
      /** A JSON merge patch (RFC 7396). */
      readonly patch: object;
      readonly ifMatch: string | undefined;
    }
  | { readonly action: 'delete'; readonly address: Address; readonly ifMatch: string | undefined };

/** What a change came to. */
export interface Changed {
  /** What the change would be answered with if it came alone. */
  readonly status: 200 | 201 | 204;
  readonly id: string;
  readonly name: string;
  /** Of what there is now; of what was there for what is deleted. */
  readonly revision: number;
}

/** Thrown by a collection that cannot do these changes at once, though it may one after the other. */
export class EntangledChanges extends Error {
  override readonly name = 'EntangledChanges';
}
