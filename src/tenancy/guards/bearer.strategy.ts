import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import passport from 'passport';
import { newId } from '../../common/context/ids.js';
import { bearerOf } from '../../common/http/bearer.js';
import { NO_CREDENTIAL, UNKNOWN_CREDENTIAL } from '../services/admission.js';
import { Principals } from '../services/principals.service.js';

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
    const credential = bearerOf(header);
    if (credential === undefined) {
      this.fail('the authorization header is not "Bearer" and a token');
      return;
    }
    this.principals.authenticate(credential).then(
      (principal) => {
        if (principal) this.success(principal);
        else this.fail(UNKNOWN_CREDENTIAL);
      },
      (error: unknown) => this.error(error),
    );
  }
}
