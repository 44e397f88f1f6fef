import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../infra/local/run-tool.ts';
import { chartOf } from './chart.ts';
import type { Summary } from './summary.ts';
import { tableOf } from './table.ts';

const ARTIFACTS = join(ROOT, 'artifacts/bench');
const PAGE = join(ROOT, 'docs/performance.md');
const IMAGES = join(ROOT, 'docs/images');

export interface Circumstances {
  rounds: number;
  seconds: number;
  users: number;
  workers: number;
  /** Of a smoke run: kept apart, since the documentation must not show it. */
  isQuick: boolean;
}

/** Writes what was measured as JSON, as a table and as a chart. */
export async function writeResults(summary: Summary, ours: string, circumstances: Circumstances): Promise<void> {
  const folder = circumstances.isQuick ? join(ARTIFACTS, 'quick') : ARTIFACTS;
  await mkdir(folder, { recursive: true });
  const write = (ending: string, text: string): Promise<void> =>
    writeFile(join(folder, `${summary.measure.name}.${ending}`), text);
  const { rounds, seconds, users, workers } = circumstances;
  const about = `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${rounds} rounds of ${seconds} s, ${users} users, ${workers} worker${workers === 1 ? '' : 's'}.`;
  await write('json', JSON.stringify(jsonOf(summary, circumstances), undefined, 2));
  await write('md', `${tableOf(summary)}\n\n${about}\n`);
  await write('svg', chartOf(summary, ours));
}

/** Puts the tables and charts that were measured last into the documentation; gives the names of the measures. */
export async function publishResults(names: readonly string[]): Promise<string[]> {
  let page = await readFile(PAGE, 'utf8');
  const published: string[] = [];
  for (const name of names) {
    const table = await readFile(join(ARTIFACTS, `${name}.md`), 'utf8').catch(() => undefined);
    const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const [from, to] = [page.indexOf(start), page.indexOf(end)];
    if (table === undefined || from < 0 || to < 0) continue;
    const chart = `![${name}](images/bench-${name}.svg)`;
    page = `${page.slice(0, from + start.length)}\n\n${table}\n${chart}\n\n${page.slice(to)}`;
    await copyFile(join(ARTIFACTS, `${name}.svg`), join(IMAGES, `bench-${name}.svg`));
    published.push(name);
  }
  await writeFile(PAGE, page);
  return published;
}

function jsonOf({ measure, lines, foreign }: Summary, circumstances: Circumstances): object {
  return {
    measure: measure.name,
    title: measure.title,
    at: new Date().toISOString(),
    node: process.version,
    ...circumstances,
    foreignCores: foreign,
    metrics: lines.map(({ metric, spreads, best, ratio }) => ({
      ...metric,
      systems: Object.fromEntries(spreads),
      bestStock: best,
      ratio,
    })),
  };
}
