import type { Compared, Measure, Metric, Samples } from './measure.ts';
import { median, spreadOf, type Spread } from './statistics.ts';

export interface Line {
  metric: Metric;
  /** By system. */
  spreads: Map<string, Spread>;
  /** Name of the stock stack with the best median. */
  best?: string;
  /** Ours to the best stock stack's, round by round. */
  ratio?: Spread;
}

export interface Summary {
  measure: Measure;
  lines: Line[];
  /** Cores that were busy with what is not of this benchmark, over all rounds. */
  foreign: Spread;
}

/** Medians of all rounds, and ours beside the best of the stock stacks. */
export function summarise(measure: Measure, samples: Samples, compared: Compared): Summary {
  const lines = measure.metrics.map((metric): Line => {
    const spreads = new Map<string, Spread>();
    for (const [name, rounds] of samples) {
      const values = rounds.map((sample) => sample[metric.key]).filter((value) => value !== undefined);
      if (values.length > 0) spreads.set(name, spreadOf(values));
    }
    return { metric, spreads, ...ratioOf(metric, spreads, compared) };
  });
  const foreign = [...samples.values()].flat().flatMap((sample) =>
    Object.entries(sample)
      .filter(([key]) => key.startsWith('foreign'))
      .map(([, value]) => value),
  );
  return { measure, lines, foreign: spreadOf(foreign) };
}

function ratioOf(
  { better }: Metric,
  spreads: ReadonlyMap<string, Spread>,
  { ours, stocks }: Compared,
): Pick<Line, 'best' | 'ratio'> {
  const own = spreads.get(ours);
  const sign = better === 'higher' ? -1 : 1;
  const [best] = stocks
    .filter((name) => spreads.has(name))
    .toSorted((a, b) => sign * (spreads.get(a)!.median - spreads.get(b)!.median));
  if (better === 'neither' || own === undefined || best === undefined) return {};
  const theirs = spreads.get(best)!;
  const rounds = spreadOf(own.values.map((value, round) => value / theirs.values[round]!));
  return { best, ratio: { ...rounds, median: median(own.values) / theirs.median } };
}
