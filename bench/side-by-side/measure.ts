import { number } from './number.ts';
import type { BenchSystem, SystemKind } from './system.ts';

export interface BenchOptions {
  rounds: number;
  /** Of load, in a round. */
  seconds: number;
  users: number;
  workers: number;
  isQuick: boolean;
  kinds: readonly SystemKind[];
  /** What is only measured where it tells something. */
  floors: readonly SystemKind[];
  say: (line: string) => void;
}

/** The same, with the floors among what is measured: all of them, or those that tell something here. */
export function withFloors(options: BenchOptions, tells: (floor: SystemKind) => boolean = () => true): BenchOptions {
  return { ...options, kinds: [...options.kinds, ...options.floors.filter(tells)] };
}

export interface Metric {
  key: string;
  title: string;
  unit: string;
  better: 'lower' | 'higher' | 'neither';
  /** What we want of ours, as a ratio to the best stock stack. */
  wanted?: number;
}

/** Values by key of a metric, and `foreign`: cores busy with what is not ours. */
export type Sample = Record<string, number>;

/** Samples by system, one a round. */
export type Samples = Map<string, Sample[]>;

export interface Measure {
  name: string;
  title: string;
  metrics: readonly Metric[];
  /** Keys of the metrics that its chart shows. */
  drawn: readonly string[];
  run: (options: BenchOptions) => Promise<Samples>;
  /** What is compared, by names of systems, where it is not ours with the stock stacks. */
  compared?: (names: readonly string[]) => Compared;
}

export interface Compared {
  ours: string;
  stocks: readonly string[];
}

/**
 * Measures every system in each round, each time in another order: what the machine suffers
 * from others meanwhile hits all of them alike.
 */
export async function interleave(
  systems: readonly BenchSystem[],
  { rounds, say }: Pick<BenchOptions, 'rounds' | 'say'>,
  measure: (system: BenchSystem, round: number) => Promise<Sample>,
): Promise<Samples> {
  const samples: Samples = new Map(systems.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const turn = round % systems.length;
    for (const system of [...systems.slice(turn), ...systems.slice(0, turn)]) {
      const sample = await measure(system, round);
      samples.get(system.name)!.push(sample);
      say(`round ${round + 1}, ${system.name}: ${textOf(sample)}`);
    }
  }
  return samples;
}

/** Puts samples of the same rounds together, keys apart by a suffix. */
export function merge(into: Samples, more: Samples, suffix: string): void {
  for (const [name, samples] of more) {
    const known = into.get(name) ?? samples.map((): Sample => ({}));
    into.set(name, known);
    for (const [round, sample] of samples.entries()) {
      for (const [key, value] of Object.entries(sample)) known[round]![`${key}${suffix}`] = value;
    }
  }
}

function textOf(sample: Sample): string {
  return Object.entries(sample)
    .map(([key, value]) => `${key} ${number(value)}`)
    .join(', ');
}
