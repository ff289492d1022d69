/** A metric as `/metrics` tells it. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  /** With `_bucket`, `_sum` or `_count` where the family is a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads Prometheus's text format, as far as EFMS writes it. */
export function readExposition(text: string): Family[] {
  return text
    .split(/^(?=# HELP )/m)
    .filter((part) => part.startsWith('# HELP '))
    .map((part) => {
      const [help, type, ...lines] = part.trimEnd().split('\n');
      const [, name, words] = /^# HELP (\S+) (.*)$/.exec(help ?? '') ?? [];
      const samples = lines.filter((line) => line !== '').map(readSample);
      return { name: name ?? '', help: words ?? '', type: (type ?? '').split(' ').at(-1) ?? '', samples };
    });
}

/** Names of the labels that a family's samples have, but for those that the type brings with it. */
export const labelsOf = ({ samples }: Family): string[] => [
  ...new Set(samples.flatMap(({ labels }) => Object.keys(labels).filter((name) => name !== 'le'))),
];

function readSample(line: string): Sample {
  const [, name, labels, value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
