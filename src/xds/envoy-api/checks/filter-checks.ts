import { quote } from '../decoding/decode-run.js';
import { fieldValue } from '../message-tree.js';
import type { Visited } from '../message-walk.js';
import type { Report } from './report.js';

/** Filters of which Envoy knows what they are by the type of their configuration only. */
const FILTERS: ReadonlySet<string> = new Set([
  'envoy.config.listener.v3.Filter',
  'envoy.config.listener.v3.ListenerFilter',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
]);

/** A filter says what it is: Envoy no longer goes by its name. */
export function checkFilter({ type, message }: Visited, report: Report, isDamaged: boolean): void {
  if (!FILTERS.has(type.typeName) || message['isOptional'] === true || isDamaged) return;
  const isGiven = type.fields.some((field) => field.oneof && fieldValue(message, field) !== undefined);
  if (isGiven) return;
  report(
    'error',
    [],
    'filter.config',
    `the filter ${quote(message['name'] as string)} needs a typed_config; its "@type" says what it is`,
  );
}
