import type { Registry } from '@bufbuild/protobuf';
import type { FindingList } from '../finding-list.js';
import type { MessageWalker, Visited } from '../message-walk.js';
import type { Step } from '../place.js';
import type { SnapshotResource } from '../snapshot-resource.js';
import { checkListeners } from './listener-checks.js';
import { checkNames } from './name-checks.js';
import { checkReferences } from './reference-checks.js';
import { checkVirtualHosts, checkWeights } from './route-checks.js';
import { SecretChecks } from './secret-checks.js';
import { checkDelivery } from './delivery-checks.js';

/** Takes what a check of one message found: the steps from the message to the place, and the rule with its sentence. */
export type Report = (severity: 'error' | 'warning', steps: readonly Step[], rule: string, detail: string) => void;

type MessageCheck = (visited: Visited, report: Report) => void;

/** What neither the schema nor the rules of the API say, and Envoy refuses or people regret. */
export class SnapshotChecks {
  private readonly messageChecks: readonly MessageCheck[];

  constructor(
    registry: Registry,
    private readonly walker: MessageWalker,
  ) {
    const secrets = new SecretChecks(registry);
    this.messageChecks = [
      (visited, report) => secrets.check(visited, report),
      checkVirtualHosts,
      checkWeights,
      checkDelivery,
    ];
  }

  /** Checks one resource for itself. */
  checkResource(resource: SnapshotResource, findings: FindingList): void {
    this.walker.walk(resource, resource.tree, (visited) => {
      const report: Report = (severity, steps, rule, detail) => {
        // The walk goes on with the same list of steps.
        const place = [...visited.steps, ...steps];
        findings[severity](() => ({ pointer: resource.pointerTo(place), rule, detail }));
      };
      for (const check of this.messageChecks) check(visited, report);
    });
  }

  /** Checks the resources of a snapshot against each other. */
  checkSnapshot(resources: readonly SnapshotResource[], findings: FindingList): void {
    checkNames(resources, findings);
    checkListeners(resources, findings);
    checkReferences(resources, findings);
  }
}
