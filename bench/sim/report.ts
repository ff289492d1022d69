import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { HistoryEvent } from './client/history.ts';
import type { Violation } from './judge/judge.ts';
import type { Outcome } from './simulation.ts';

const SHOWN = 10;
/** Events of a history around a violation. */
const AROUND = { before: 12, after: 2 };

/** Prints what came of a simulation; where anything is wrong, with the histories that show it, which are kept with the logs. */
export function tell(
  options: Readonly<Record<string, string | number>>,
  outcome: Outcome,
  how: 'as JSON' | 'in words',
): void {
  const { history, served: _, violations, problems, folder, ...counts } = outcome;
  const isGood = violations.length + problems.length === 0;
  if (isGood) rmSync(folder, { recursive: true, force: true });
  else keepHistories(outcome);
  if (how === 'as JSON') {
    const shown = { ...options, ...counts, violations: violations.slice(0, SHOWN), problems };
    process.stdout.write(`${JSON.stringify({ ...shown, ...(isGood ? {} : { folder }) }, null, 2)}\n`);
    return;
  }
  const lines = [
    Object.entries(options)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    ...Object.entries(counts).map(([name, value]) => `${name}: ${typeof value === 'number' ? value : listed(value)}`),
    ...problems.map((problem) => `PROBLEM ${problem}`),
    ...violations.slice(0, SHOWN).map((violation) => shown(violation, history(violation.proxy))),
    `${violations.length} violations, ${problems.length} problems`,
    ...(isGood ? [] : [`logs and histories are in ${folder}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function keepHistories({ violations, history, served, folder }: Outcome): void {
  for (const proxy of new Set(violations.map((violation) => violation.proxy))) {
    const ofIt = violations.filter((violation) => violation.proxy === proxy);
    const lines = [...ofIt, ...served(proxy), ...history(proxy)].map((each) => JSON.stringify(each));
    writeFileSync(path.join(folder, `${proxy}.jsonl`), `${lines.join('\n')}\n`);
  }
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');

function shown({ proxy, at, promise, words }: Violation, events: readonly HistoryEvent[]): string {
  const index = events.findLastIndex((event) => event.at <= at);
  const around = events.slice(Math.max(0, index - AROUND.before), index + 1 + AROUND.after);
  return [
    `VIOLATION of "${promise}" at proxy ${proxy}: ${words}`,
    ...around.map((event) => `    ${inWords(event)}`),
  ].join('\n');
}

function inWords(event: HistoryEvent): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  switch (event.what) {
    case 'got': {
      const resources = event.resources.map(([name, version]) => `${name}@${version.slice(0, 8)}`);
      const removed = event.removed.map((name) => `-${name}`);
      const refused = event.refused.length === 0 ? '' : `, refuses ${event.refused.join()}`;
      return `${time} got ${event.kind} of ${event.version.slice(0, 8)} (${event.nonce}): ${[...resources, ...removed].join(' ')}${refused}`;
    }
    case 'asked':
      return `${time} asked for ${event.kind} ${event.names.join()}${event.claim ? `, claims ${claimed(event.claim)}` : ''}`;
    case 'answered':
      return `${time} ${event.isRefusal ? 'refused' : 'acknowledged'} ${event.kind} ${event.nonce}`;
    case 'opened':
      return `${time} opened a stream to replica ${event.replica} as process ${event.process}`;
    case 'ended':
      return `${time} ended: ${event.why}`;
    case 'fell silent':
    case 'restarted':
      return `${time} ${event.what}`;
  }
}

const claimed = ({
  version,
  versions,
}: {
  version: string;
  versions: readonly (readonly [string, string])[];
}): string => [version.slice(0, 8), ...versions.map(([name, each]) => `${name}@${each.slice(0, 8)}`)].join(' ');
