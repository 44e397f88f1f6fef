import { number } from './number.ts';
import type { Line, Summary } from './summary.ts';
import type { Spread } from './statistics.ts';

/** A summary as a table of text (which is Markdown, too). */
export function tableOf({ measure, lines, foreign }: Summary): string {
  const names = [...new Set(lines.flatMap(({ spreads }) => [...spreads.keys()]))];
  const head = [measure.title, ...names, 'to the best stock', 'wanted'];
  const rows = lines.map((line) => [
    line.metric.unit === '' ? line.metric.title : `${line.metric.title} (${line.metric.unit})`,
    ...names.map((name) => cellOf(line.spreads.get(name))),
    ratioCell(line),
    wantedCell(line),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const text = (row: string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [
    text(head),
    rule,
    ...rows.map(text),
    '',
    `Foreign load: ${number(foreign.median)} cores (${number(foreign.least)}–${number(foreign.most)})`,
  ].join('\n');
}

function cellOf(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const { median, least, most, values } = spread;
  return values.length < 2 || least === most ? number(median) : `${number(median)} (${number(least)}–${number(most)})`;
}

function ratioCell({ ratio, best }: Line): string {
  if (ratio === undefined) return '';
  return `${number(ratio.median)} × (${number(ratio.least)}–${number(ratio.most)}) ${best}`;
}

function wantedCell({ metric: { wanted, better }, ratio }: Line): string {
  if (wanted === undefined) return '';
  const isKept = ratio !== undefined && (better === 'higher' ? ratio.median >= wanted : ratio.median <= wanted);
  return `${better === 'higher' ? '≥' : '≤'} ${wanted} × ${isKept ? '✓' : '✗'}`;
}
