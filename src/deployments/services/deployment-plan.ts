import type { ProxyRef } from '../../infrastructure/index.js';
import type { SnapshotDiff, Version } from '../../versioning/index.js';
import type { CurrentAssignment } from '../../xds/index.js';

export interface VersionName {
  readonly configuration: string;
  readonly number: number;
}

export interface PlannedTarget {
  readonly proxy: ProxyRef;
  /** What it is assigned now; null for nothing, or for a version that is gone. */
  readonly current: VersionName | null;
  readonly currentSnapshotHash: string | null;
  /** False where the content is what it is assigned already: such a target succeeds at once. */
  readonly changes: boolean;
}

/** What the targets that are on one version now will see change. */
export interface PlannedChange {
  readonly from: VersionName | null;
  readonly fromSnapshotHash: string | null;
  /** How many targets are on it. */
  readonly targets: number;
}

export interface DeploymentPlan {
  readonly targets: readonly PlannedTarget[];
  /** One per distinct content that targets have now and that differs from the new one; the most common first. */
  readonly changes: readonly PlannedChange[];
}

export interface PlanInput {
  readonly version: Version;
  readonly proxies: readonly ProxyRef[];
  readonly current: ReadonlyMap<string, CurrentAssignment>;
  readonly names: ReadonlyMap<string, VersionName>;
}

/** A planned change with what it does. */
export interface DescribedChange extends PlannedChange {
  readonly diff: SnapshotDiff;
}

/** What a deployment would do to each proxy, by what each is assigned now. */
export function planDeployment({ version, proxies, current, names }: PlanInput): DeploymentPlan {
  const targets = proxies.map((proxy): PlannedTarget => {
    const assignment = current.get(proxy.id);
    return {
      proxy,
      current: names.get(assignment?.versionId ?? '') ?? null,
      currentSnapshotHash: assignment?.snapshotHash ?? null,
      changes: assignment?.snapshotHash !== version.snapshotHash,
    };
  });
  const changes = new Map<string | null, PlannedChange>();
  for (const target of targets.filter(({ changes: moves }) => moves)) {
    const hash = target.currentSnapshotHash;
    const counted = changes.get(hash) ?? { from: target.current, fromSnapshotHash: hash, targets: 0 };
    changes.set(hash, { ...counted, targets: counted.targets + 1 });
  }
  return { targets, changes: [...changes.values()].sort((a, b) => b.targets - a.targets) };
}
