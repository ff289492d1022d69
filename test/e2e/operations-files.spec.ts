import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import {
  ALERT_TESTS,
  alertRules,
  ALERTS,
  dashboardPanels,
  documentedMetrics,
  expressions,
  metricOf,
  pathOf,
  selectorsOf,
  textOf,
} from '../kit/metrics-files.js';
import { describeWithPromtool, promtool } from '../kit/promtool.js';

const metrics = documentedMetrics();
const rules = alertRules();

describe('alert rules and dashboard', () => {
  it('use only metrics that docs/reference/metrics.md lists, with the labels that they have', () => {
    const wrong = expressions().flatMap((expression) =>
      selectorsOf(expression).flatMap(({ text, series, matchers }) => {
        const metric = metricOf(series, metrics);
        if (!metric) return [`${text}: no such metric`];
        const strangers = matchers.filter(({ label }) => !metric.labels.includes(label));
        return strangers.map(({ label }) => `${text}: no label ${label}`);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('group by labels that the metrics of the expression have', () => {
    const everywhere = ['instance', 'job', 'le'];
    const wrong = expressions().flatMap((expression) => {
      const known = selectorsOf(expression).flatMap(({ series }) => metricOf(series, metrics)?.labels ?? []);
      const groups = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '));
      return groups
        .filter((label) => ![...known, ...everywhere].includes(label))
        .map((label) => `${expression}: ${label}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('alert rules', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how bad it is, what it is and what to do',
    (name, rule) => {
      expect(rule.for).toMatch(/^\d+[mh]$/);
      expect(['critical', 'warning']).toContain(rule.labels['severity']);
      for (const text of ['summary', 'description']) expect(rule.annotations[text]).toMatch(/\w{3}/);
      const [page = '', section] = (rule.annotations['runbook_url'] ?? '').split('#');
      expect(existsSync(pathOf(page))).toBe(true);
      expect(section).toBe(name.toLowerCase());
    },
  );

  it('have a section each on the page for whoever is on call, and no section is left over', () => {
    const sections = [
      ...textOf('docs/operations/alerts.md').matchAll(
        /^## (\w+)\n\n\S.*\n\n- \*\*Look at:\*\* .+\n- \*\*Do:\*\* .+$/gm,
      ),
    ];
    expect(sections.map(([, name]) => name).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it('are each tested where they have to fire and where they must not', () => {
    const { tests } = parse(textOf(ALERT_TESTS)) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const cases = tests.flatMap(({ alert_rule_test: made }) => made);
    for (const { alert } of rules) {
      const outcomes = cases
        .filter(({ alertname }) => alertname === alert)
        .map(({ exp_alerts: fired }) => fired.length > 0);
      expect([alert, ...outcomes.sort()]).toEqual([alert, false, true]);
    }
  });

  it('mention on their page only metrics that there are', () => {
    const mentioned = [...textOf('docs/operations/alerts.md').matchAll(/efms_\w+/g)].map(([name]) => name);
    expect(mentioned.filter((name) => !metrics.some((metric) => metric.name === name))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const panels = dashboardPanels();

  it('has panels that stand beside each other and not upon each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.get(`${x}/${y}`)]).toEqual([title, undefined]);
          taken.set(`${x}/${y}`, title);
        }
      }
    }
  });

  it('asks whatever Prometheus is chosen', () => {
    for (const { type, targets } of panels) expect(type === 'row' || (targets?.length ?? 0) > 0).toBe(true);
    const sources = [...textOf('deploy/grafana/efms.json').matchAll(/"uid": "(\S+)"/g)].map(([, uid]) => uid);
    expect(new Set(sources)).toEqual(new Set(['${datasource}', 'efms']));
  });
});

describeWithPromtool('promtool', () => {
  const folder = path.dirname(pathOf(ALERTS));

  it.each([
    ['the configuration and its rules', ['check', 'config', `${folder}/prometheus.yml`]],
    ['the rules', ['check', 'rules', pathOf(ALERTS)]],
    ['what the rules fire on', ['test', 'rules', pathOf(ALERT_TESTS)]],
  ])('accepts %s', (_, args) => {
    const { code, output } = promtool(args);
    expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('can read every expression of the dashboard', () => {
    const asked = dashboardPanels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    // What Grafana puts in.
    const record = asked.map((expr, i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
    }));
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'efms-promtool-'));
    try {
      const file = path.join(scratch, 'panels.yml');
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: record }] }));
      expect(promtool(['check', 'rules', file])).toEqual({
        code: 0,
        output: expect.stringContaining(`SUCCESS: ${asked.length} rules found`),
      });
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
