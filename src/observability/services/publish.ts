import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Durations } from '../../common/metrics/durations.js';

type Labels = Readonly<Record<string, string>>;

/** A figure as it stands when it is scraped: one value, or one for each set of labels; undefined for none that is known here. */
export type Reading = number | undefined | Iterable<readonly [Labels, number]>;

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => Reading;
}

interface LabelledDurations extends Omit<Figure, 'read' | 'labels'> {
  readonly label: string;
  readonly durations: Iterable<readonly [string, Durations]>;
}

interface Settings {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

/** Publishes figures that others keep. They are read when they are scraped, so that keeping them costs an addition. */
export class Publisher {
  constructor(private readonly registry: Registry) {}

  gauge({ read, ...figure }: Figure): void {
    const isSingle = !figure.labels;
    new Gauge({
      ...this.settings(figure),
      collect() {
        this.reset();
        const reading = read();
        for (const [labels, value] of samples(reading)) this.set(labels, value);
        // It would be told as 0.
        if (reading === undefined && isSingle) this.remove();
      },
    });
  }

  counter({ read, ...figure }: Figure): void {
    const isSingle = !figure.labels;
    new Counter({
      ...this.settings(figure),
      collect() {
        this.reset();
        const reading = read();
        for (const [labels, value] of samples(reading)) this.inc(labels, value);
        // It would be told as 0.
        if (reading === undefined && isSingle) this.remove();
      },
    });
  }

  histogram({ durations, ...figure }: Omit<Figure, 'read' | 'labels'> & { readonly durations: Durations }): void {
    new KeptHistogram(this.settings(figure), [[{}, durations]]);
  }

  /** One histogram for each value of a label. */
  histograms({ durations, label, ...figure }: LabelledDurations): void {
    const labels = { ...figure, labels: [label] };
    new KeptHistogram(
      this.settings(labels),
      [...durations].map(([value, one]) => [{ [label]: value }, one] as const),
    );
  }

  private settings({ name, help, labels = [] }: Omit<Figure, 'read'>): Settings {
    return { name, help, labelNames: [...labels], registers: [this.registry] };
  }
}

const samples = (reading: Reading = []): Iterable<readonly [Labels, number]> =>
  typeof reading === 'number' ? [[{}, reading]] : reading;

/** Pairs, as readings under one label; of several with the same value of the label, the last counts. */
export const labelled = (label: string, values: Iterable<readonly [string, number]>): Reading =>
  [...new Map(values)].map(([value, count]) => [{ [label]: value }, count] as const);

/** Begins figures that count from nothing: who looks for a rate would overlook the first of each otherwise. */
export const fromNothing = (values: Iterable<string>): (readonly [string, number])[] =>
  [...values].map((value) => [value, 0] as const);

type Rendered = Awaited<ReturnType<Histogram['get']>>;

/** A histogram whose counts are kept elsewhere. */
class KeptHistogram extends Histogram {
  constructor(
    private readonly settings: Settings,
    private readonly kept: readonly (readonly [Labels, Durations])[],
  ) {
    super({ ...settings });
  }

  override get(): Promise<Rendered> {
    const { name, help } = this.settings;
    const values = this.kept.flatMap(([labels, durations]) => samplesOf(name, labels, durations));
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' } as unknown as Rendered);
  }

  /** What the registry asks for in place of `get`, where there is one. */
  getForPromString(): Promise<Rendered> {
    return this.get();
  }
}

function samplesOf(name: string, labels: Labels, { bounds, counts, sum }: Durations): object[] {
  let total = 0;
  const buckets = [...counts].map((count, i) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
