import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { BenchOptions, Measure } from './measure.ts';
import { cold } from './measures/cold.ts';
import { fanout } from './measures/fanout.ts';
import { growth } from './measures/growth.ts';
import { instances } from './measures/instances.ts';
import { latency } from './measures/latency.ts';
import { memory } from './measures/memory.ts';
import { storm } from './measures/storm.ts';
import { throughput } from './measures/throughput.ts';
import { floors } from './floors.ts';
import { ours } from './ours.ts';
import { stock, STOCK_STACKS } from './stock.ts';
import { summarise, type Summary } from './summary.ts';
import { tableOf } from './table.ts';

const MEASURES: readonly Measure[] = [throughput, latency, instances, memory, storm, fanout, cold, growth];

const ARTIFACTS = join(ROOT, 'artifacts/bench');

export interface RunOptions extends Omit<BenchOptions, 'kinds' | 'floors' | 'say'> {
  /** Names of measures; all, unless given. */
  only: readonly string[] | undefined;
  withFloors: boolean;
  /** Names of stock stacks; all, unless given; ours is always there. */
  stacks: readonly string[] | undefined;
}

/** @throws {Error} when a measure or a stack is unknown */
export async function runMeasures({ only, stacks = STOCK_STACKS, withFloors, ...options }: RunOptions): Promise<void> {
  const chosen = known('measure', only, MEASURES);
  for (const stack of stacks) if (!STOCK_STACKS.includes(stack)) throw unknown('stack', stack, STOCK_STACKS);
  await mkdir(ARTIFACTS, { recursive: true });
  const kinds = [ours(), ...stacks.map(stock)];
  for (const measure of chosen) {
    const say = (line: string): void => console.error(`${measure.name}: ${line}`);
    const samples = await measure.run({ ...options, kinds, floors: withFloors ? floors() : [], say });
    const compared = measure.compared?.([...samples.keys()]) ?? { ours: 'tidings', stocks: stacks };
    const summary = summarise(measure, samples, compared);
    console.log(`\n${tableOf(summary)}\n`);
    await writeFile(join(ARTIFACTS, `${measure.name}.json`), JSON.stringify(jsonOf(summary, options), undefined, 2));
  }
}

function known(what: string, names: readonly string[] | undefined, all: readonly Measure[]): readonly Measure[] {
  if (names === undefined) return all;
  return names.map((name) => {
    const found = all.find((each) => each.name === name);
    if (found === undefined) throw unknown(what, name, all.map((each) => each.name));
    return found;
  });
}

function unknown(what: string, name: string, all: readonly string[]): Error {
  return new Error(`no ${what} ${name}; there are ${all.join(', ')}`);
}

function jsonOf({ measure, lines, foreign }: Summary, options: object): object {
  return {
    measure: measure.name,
    title: measure.title,
    at: new Date().toISOString(),
    node: process.version,
    options,
    foreignCores: foreign,
    metrics: lines.map(({ metric, spreads, best, ratio }) => ({
      ...metric,
      systems: Object.fromEntries(spreads),
      bestStock: best,
      ratio,
    })),
  };
}
