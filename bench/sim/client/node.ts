import { field, numberField } from '../../xds/client/protobuf.ts';
import type { Node } from '../../xds/client/requests.ts';

/** What a hollow proxy says of itself: an Envoy 1.40, and which of its processes it is. */
export function nodeOf(nodeId: string, bootId: string): Node {
  const version = Buffer.concat([numberField(1, 1), numberField(2, 40)]);
  const entry = Buffer.concat([field(1, 'efms.boot_id'), field(2, field(3, bootId))]);
  return [
    field(1, nodeId),
    field(2, 'simulated'),
    field(3, field(1, entry)),
    field(6, 'envoy'),
    field(8, field(1, version)),
  ];
}
