import { newId } from '../../../src/common/context/ids.js';
import { type RequestContext, systemContext } from '../../../src/common/context/request-context.js';
import type { Database } from '../../../src/common/database/database.js';
import { Threads } from '../../../src/common/threads/threads.js';
import { EXAMPLE_SNAPSHOT } from '../../../src/versioning/dto/example-snapshot.js';
import { versioningEntities } from '../../../src/versioning/index.js';
import { ConfigurationUses } from '../../../src/versioning/services/configuration-uses.js';
import { ConfigurationsService } from '../../../src/versioning/services/configurations.service.js';
import { VersionContents } from '../../../src/versioning/services/content/version-contents.js';
import { type CommitCommand, VersionCommits } from '../../../src/versioning/services/version-commits.js';
import { VersionsService } from '../../../src/versioning/services/versions.service.js';
import { EnvoyApi, SnapshotStore } from '../../../src/xds/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

/** The services of versioning over a database of their own, and a tenant to work in. */
export interface VersioningFixture {
  readonly test: TestDatabase;
  readonly database: Database;
  readonly ctx: RequestContext;
  readonly uses: ConfigurationUses;
  readonly configurations: ConfigurationsService;
  readonly commits: VersionCommits;
  readonly versions: VersionsService;
}

export async function createVersioningFixture(): Promise<VersioningFixture> {
  const test = await createTestDatabase();
  const database = await test.open({ entities: versioningEntities, poolSize: 20 });
  const snapshots = new SnapshotStore(database);
  const uses = new ConfigurationUses();
  const threads = new Threads({ size: 1 });
  const contents = new VersionContents(EnvoyApi.load(), threads, { xds: { descriptorFiles: [] } });
  return {
    test,
    database,
    ctx: await createTenant(test),
    uses,
    configurations: new ConfigurationsService(database, uses),
    commits: new VersionCommits(database, contents, snapshots),
    versions: new VersionsService(database, snapshots),
  };
}

export async function createTenant(test: TestDatabase): Promise<RequestContext> {
  const tenantId = newId();
  await test.sql('insert into tenants (id, name) values ($1, $2)', [tenantId, `tenant-${tenantId}`]);
  return systemContext(tenantId, 'tester');
}

/** The example with another timeout, and so other content for each number. */
export function snapshotOf(timeout: number): Readonly<Record<string, unknown>> {
  const [cluster] = EXAMPLE_SNAPSHOT.clusters;
  return { ...EXAMPLE_SNAPSHOT, clusters: [{ ...cluster, connect_timeout: `${timeout}s` }] };
}

export const commitOf = (expectedHead: number | null, timeout: number): CommitCommand => ({
  branch: 'main',
  expectedHead,
  message: `timeout ${timeout}`,
  snapshot: snapshotOf(timeout),
});

export async function createConfiguration(
  { configurations, ctx }: Pick<VersioningFixture, 'configurations' | 'ctx'>,
  name: string,
): Promise<{ readonly id: string; readonly name: string }> {
  const { configuration } = await configurations.create(ctx, { name, description: '', tags: [] });
  return { id: configuration.id, name };
}

/** The code and the extensions of the problem that a call ends with. */
export async function problemOf(
  work: Promise<unknown>,
): Promise<{ code: string; status: number; detail: string; extensions: unknown; errors: unknown }> {
  try {
    await work;
  } catch (error) {
    const { ProblemError } = await import('../../../src/common/errors/problem.js');
    if (!(error instanceof ProblemError)) throw error;
    const { extensions, errors } = error.options;
    return { code: error.code, status: error.definition.status, detail: error.message, extensions, errors };
  }
  throw new Error('expected a problem, and the call succeeded');
}
