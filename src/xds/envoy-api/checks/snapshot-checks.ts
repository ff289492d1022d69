import type { Registry } from '@bufbuild/protobuf';
import type { ResourceKind } from '../../resource-types.js';
import type { FindingList } from '../finding-list.js';
import type { MessageWalker } from '../message-walk.js';
import type { SnapshotResource } from '../snapshot-resource.js';
import { checkDiscovery } from './cluster-checks.js';
import { checkDelivery } from './delivery-checks.js';
import { checkFilter } from './filter-checks.js';
import { checkListeners } from './listener-checks.js';
import { checkNames } from './name-checks.js';
import { checkReferences } from './reference-checks.js';
import type { MessageCheck, Report } from './report.js';
import { checkVirtualHosts, checkWeights } from './route-checks.js';
import { SecretChecks } from './secret-checks.js';

/** A message that findings can point into. */
type Checkable = Pick<SnapshotResource, 'type' | 'message' | 'tree' | 'pointerTo'>;

/** What neither the schema nor the rules of the API say, and Envoy refuses or people regret. */
export class SnapshotChecks {
  private readonly messageChecks: readonly MessageCheck[];
  private readonly secretCheck: MessageCheck;

  constructor(
    registry: Registry,
    private readonly walker: MessageWalker,
  ) {
    const secrets = new SecretChecks(registry);
    this.secretCheck = (visited, report) => secrets.check(visited, report);
    this.messageChecks = [checkVirtualHosts, checkWeights, checkDelivery, checkDiscovery, checkFilter];
  }

  /** Checks one resource for itself. */
  checkResource(resource: SnapshotResource, findings: FindingList): void {
    this.checkMessages(resource, [this.secretCheck, ...this.messageChecks], findings);
  }

  /** Checks a document that is not stored, and so may have secrets in it, for itself. */
  checkPassing(document: Checkable, findings: FindingList): void {
    this.checkMessages(document, this.messageChecks, findings);
  }

  private checkMessages(resource: Checkable, checks: readonly MessageCheck[], findings: FindingList): void {
    this.walker.walk(resource, resource.tree, (visited) => {
      const report: Report = (severity, steps, rule, detail) => {
        // The walk goes on with the same list of steps.
        const place = [...visited.steps, ...steps];
        findings[severity](() => ({ pointer: resource.pointerTo(place), rule, detail }));
      };
      const isDamaged = resource.tree.isDamaged(visited.message);
      for (const check of checks) check(visited, report, isDamaged);
    });
  }

  /**
   * Checks the resources of a snapshot against each other.
   * @param unread kinds that have more resources than these, of which nothing is known
   */
  checkSnapshot(
    resources: readonly SnapshotResource[],
    unread: ReadonlySet<ResourceKind>,
    findings: FindingList,
  ): void {
    checkNames(resources, findings);
    checkListeners(resources, findings);
    checkReferences(resources, unread, findings);
  }
}
