import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Clock, SystemClock } from '../../../src/common/clock/clock.js';
import { loadConfig } from '../../../src/common/config/config.js';
import { CONFIG } from '../../../src/common/config/config.token.js';
import { FirstPassword } from '../../../src/common/crypto/first-password.js';
import { Keys } from '../../../src/common/crypto/keys.js';
import { Database } from '../../../src/common/database/database.js';
import { registerBodyParsers } from '../../../src/common/http/body-parsers.js';
import { Threads } from '../../../src/common/threads/threads.js';
import { ProblemFilter } from '../../../src/common/http/problem.filter.js';
import { guardedRoutes } from '../../../src/common/http/route-permissions.js';
import { requestValidation } from '../../../src/common/http/validation.js';
import { Tls } from '../../../src/common/tls/tls.js';
import { infrastructureEntities, InfrastructureModule } from '../../../src/infrastructure/index.js';
import { FirstStart, tenancyEntities, TenancyModule } from '../../../src/tenancy/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

export const ADMIN = { email: 'admin@efms.local', password: 'correct horse battery' };

export const KEYS: Keys = {
  jwtSecret: Buffer.alloc(32, 7),
  masterKey: { id: 'master-test', key: Buffer.alloc(32, 9), accepted: [] },
};

/** The wall clock, moved on at will. */
export class ShiftedClock extends Clock {
  shift = 0;
  private readonly system = new SystemClock();

  now(): number {
    return this.system.now() + this.shift;
  }

  monotonic(): number {
    return this.system.monotonic() + this.shift;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // Tests read members of whatever came back; a wrong guess fails the expectation.
  readonly body: any;
}

export interface Call {
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

@Global()
@Module({})
class GlobalModule {}

/** Of TLS, what these modules know. */
type KnownTls = Pick<Tls, 'proxiesTrust'>;

function globalModule({ database, clock, tls }: { database: Database; clock: Clock; tls: KnownTls }): DynamicModule {
  const providers = [
    { provide: CONFIG, useValue: loadConfig({}) },
    { provide: Keys, useValue: KEYS },
    { provide: FirstPassword, useValue: new FirstPassword('no-such-folder') },
    { provide: Database, useValue: database },
    { provide: Clock, useValue: clock },
    { provide: Tls, useValue: tls },
  ];
  return { module: GlobalModule, providers, exports: providers };
}

/** Tenancy and infrastructure over a database of their own, with their first admin. */
export class TestApp {
  private constructor(
    readonly db: TestDatabase,
    readonly database: Database,
    readonly nest: NestFastifyApplication,
    readonly clock: ShiftedClock,
  ) {}

  /** @param options what the xDS port has of TLS, if any */
  static async start({ tls = { proxiesTrust: undefined } }: { readonly tls?: KnownTls } = {}): Promise<TestApp> {
    const db = await createTestDatabase();
    const database = await db.open({ entities: [...tenancyEntities, ...infrastructureEntities] });
    const clock = new ShiftedClock();
    const module = await Test.createTestingModule({
      imports: [globalModule({ database, clock, tls }), DiscoveryModule, TenancyModule, InfrastructureModule],
    }).compile();
    const nest = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
      logger: false,
      bodyParser: false,
    });
    registerBodyParsers(nest.getHttpAdapter().getInstance(), new Threads({ size: 1 }), () => Promise.resolve(true));
    nest.setGlobalPrefix('api/v1');
    nest.useGlobalPipes(requestValidation());
    nest.useGlobalFilters(new ProblemFilter());
    guardedRoutes(nest.get(DiscoveryService), nest.get(Reflector));
    await nest.init();
    await nest.get(FirstStart).ensure(ADMIN);
    return new TestApp(db, database, nest, clock);
  }

  async call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, call: Call = {}): Promise<Answer> {
    const response = await this.nest.inject({
      method,
      url: `/api/v1${path}`,
      headers: { ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }), ...call.headers },
      ...(call.body === undefined ? {} : { payload: call.body as object }),
    });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      body: isJson ? response.json() : undefined,
    };
  }

  async login(credentials: { email: string; password: string } = ADMIN): Promise<string> {
    const { body } = await this.call('POST', '/auth/login', { body: credentials });
    return body.accessToken as string;
  }

  /** Another tenant with an admin of its own, made as the platform's later API will make it. */
  async addTenant(name: string): Promise<{ tenantId: string; login: { email: string; password: string } }> {
    const email = `admin@${name}.example`;
    const [{ id: tenantId }] = (await this.db.sql<{ id: string }>(
      `with t as (insert into tenants (id, name) values (gen_random_uuid(), $1) returning id),
            u as (insert into users (tenant_id, id, email, username, password_hash, role)
                  select t.id, gen_random_uuid(), $2, 'admin', (select password_hash from users limit 1), 'admin' from t
                  returning tenant_id, id)
       insert into credential_index (kind, lookup_hash, tenant_id, subject_id)
       select 'email', sha256(convert_to($2, 'UTF8')), tenant_id, id from u returning tenant_id as id`,
      [name, email],
    )) as [{ id: string }];
    return { tenantId, login: { email, password: ADMIN.password } };
  }

  async stop(): Promise<void> {
    await this.nest.close();
    await this.db.drop();
  }
}
