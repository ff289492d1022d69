import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** Path of a file of the repository. */
export const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
export const textOf = (file: string): string => readFileSync(pathOf(file), 'utf8');

export const ALERTS = 'deploy/prometheus/alerts.yml';
export const ALERT_TESTS = 'deploy/prometheus/alerts.test.yml';
export const DASHBOARD = 'deploy/grafana/efms.json';

/** A metric as docs/reference/metrics.md tells it. */
export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

export function documentedMetrics(): DocumentedMetric[] {
  const rows = textOf('docs/reference/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm);
  return [...rows].map(([, name = '', type = '', labels = '', help = '']) => ({
    name,
    type,
    labels: [...labels.matchAll(/\w+/g)].map(([label]) => label),
    help,
  }));
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const alertRules = (): AlertRule[] =>
  (parse(textOf(ALERTS)) as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules);

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

export const dashboardPanels = (): Panel[] => (JSON.parse(textOf(DASHBOARD)) as { panels: Panel[] }).panels;

/** Everything that rules and dashboard ask Prometheus for. */
export const expressions = (): string[] => [
  ...alertRules().map(({ expr }) => expr),
  ...dashboardPanels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
];

/** What an expression picks: a series by its name, and by its labels. */
export interface Selector {
  readonly text: string;
  /** As it is written, `_bucket` and the like included. */
  readonly series: string;
  readonly matchers: readonly { readonly label: string; readonly matches: (value: string) => boolean }[];
}

/** The selectors of EFMS's metrics in an expression, but for what they say of the replica, which Prometheus adds. */
export function selectorsOf(expression: string): Selector[] {
  return [...expression.matchAll(/\b(efms_\w+)(?:\{(.*?)\})?/g)].map(([text, series = '', inside = '']) => {
    const matchers = [...inside.matchAll(/(\w+)(=~|!~|!=|=)"(.*?)"/g)].map(([, label = '', operator, value = '']) => {
      const isEqual = (found: string): boolean =>
        operator?.endsWith('~') ? new RegExp(`^(?:${value})$`).test(found) : found === value;
      return { label, matches: (found: string) => isEqual(found) !== operator?.startsWith('!') };
    });
    return { text, series, matchers: matchers.filter(({ label }) => label !== 'instance' && label !== 'job') };
  });
}

/** The metric that a series belongs to. */
export function metricOf(series: string, metrics: readonly DocumentedMetric[]): DocumentedMetric | undefined {
  return metrics.find(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => series === name + end) : series === name,
  );
}
