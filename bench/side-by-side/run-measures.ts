import type { BenchOptions, Measure } from './measure.ts';
import { floors } from './floors.ts';
import { cold } from './measures/cold.ts';
import { fanout } from './measures/fanout.ts';
import { growth } from './measures/growth.ts';
import { instances } from './measures/instances.ts';
import { latency } from './measures/latency.ts';
import { memory } from './measures/memory.ts';
import { storm } from './measures/storm.ts';
import { throughput } from './measures/throughput.ts';
import { ours } from './ours.ts';
import { writeResults } from './results.ts';
import { stock, STOCK_STACKS } from './stock.ts';
import { summarise } from './summary.ts';
import { tableOf } from './table.ts';

const MEASURES: readonly Measure[] = [throughput, latency, instances, memory, storm, fanout, cold, growth];

export const MEASURE_NAMES = MEASURES.map(({ name }) => name);

export interface RunOptions extends Omit<BenchOptions, 'kinds' | 'floors' | 'say'> {
  /** Names of measures; all, unless given. */
  only: readonly string[] | undefined;
  /** Names of stock stacks; all, unless given; ours is always there. */
  stacks: readonly string[] | undefined;
  withFloors: boolean;
}

/** @throws {Error} when a measure or a stack is unknown */
export async function runMeasures({
  only = MEASURE_NAMES,
  stacks = STOCK_STACKS,
  withFloors,
  ...options
}: RunOptions): Promise<void> {
  mustExist('measure', only, MEASURE_NAMES);
  mustExist('stack', stacks, STOCK_STACKS);
  if (options.isQuick) console.log('A smoke run: fewer of everything than the titles say; the figures mean nothing.');
  const kinds = [ours(), ...stacks.map(stock)];
  for (const measure of MEASURES.filter(({ name }) => only.includes(name))) {
    const say = (line: string): void => console.error(`${measure.name}: ${line}`);
    const samples = await measure.run({ ...options, kinds, floors: withFloors ? floors() : [], say });
    const compared = measure.compared?.([...samples.keys()]) ?? { ours: 'tidings', stocks: stacks };
    const summary = summarise(measure, samples, compared);
    console.log(`\n${tableOf(summary)}\n`);
    await writeResults(summary, compared.ours, options);
  }
}

function mustExist(what: string, names: readonly string[], all: readonly string[]): void {
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`no ${what} ${unknown}; there are ${all.join(', ')}`);
}
