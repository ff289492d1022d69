import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import passport from 'passport';
import { newId } from '../../common/context/ids.js';
import { Principals } from '../services/principals.service.js';

/** `Bearer` and one token (RFC 6750 §2.1). */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;
/** Longer than any token or key of ours; anything beyond is not looked at. */
const MAX_LENGTH = 4096;

/**
 * Passport strategy for access tokens and API keys alike. It fails with the reason, as a fixed text. It is registered, because passport
 * makes an instance per request only of strategies that it knows by name (a strategy object is shared, and concurrent requests would
 * get each other's principal); and under a name of its own, because the registry is one per process, not per application.
 */
@Injectable()
export class BearerStrategy extends passport.Strategy implements OnApplicationShutdown {
  override readonly name = `bearer ${newId()}`;

  constructor(private readonly principals: Principals) {
    super();
    passport.use(this.name, this);
  }

  /** The phase after the one in which the port closes: until then requests come. */
  onApplicationShutdown(): void {
    passport.unuse(this.name);
  }

  override authenticate(request: unknown): void {
    const header = (request as FastifyRequest).headers.authorization;
    if (header === undefined) {
      this.fail(NO_CREDENTIAL);
      return;
    }
    const credential = header.length <= MAX_LENGTH ? BEARER.exec(header)?.[1] : undefined;
    if (credential === undefined) {
      this.fail('the authorization header is not "Bearer" and a token');
      return;
    }
    this.principals.authenticate(credential).then(
      (principal) => {
        if (principal) this.success(principal);
        else this.fail('the credential is unknown, expired or revoked');
      },
      (error: unknown) => this.error(error),
    );
  }
}

/** The one failure that is no attempt, so that it is not audited. */
export const NO_CREDENTIAL = 'no credential was sent';
