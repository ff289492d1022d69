import type { Fields } from '../message-tree.js';
import type { Visited } from '../message-walk.js';
import type { Report } from './report.js';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const EDS = 3;

/** A cluster of type EDS says where its endpoints come from. */
export function checkDiscovery({ type, message }: Visited, report: Report, isDamaged: boolean): void {
  if (type.typeName !== CLUSTER || isDamaged) return;
  const discovery = message['clusterDiscoveryType'] as { readonly case?: string; readonly value?: unknown };
  const config = message['edsClusterConfig'] as Fields | undefined;
  if (discovery.case !== 'type' || discovery.value !== EDS || config?.['edsConfig'] !== undefined) return;
  const field = type.field['edsClusterConfig'];
  const detail =
    'a cluster of type EDS needs eds_cluster_config.eds_config; {"ads": {}} lets EFMS deliver the endpoints';
  report('error', config && field ? [field] : [], 'cluster.eds-config', detail);
}
