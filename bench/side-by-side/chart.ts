import type { Line, Summary } from './summary.ts';
import { number } from './number.ts';

const WIDTH = 720;
const NAMES_WIDTH = 150;
const VALUES_WIDTH = 150;
const BAR = 18;
const GAP = 6;
const TITLE = 34;
const OURS = '#2563eb';
const THEIRS = '#94a3b8';

/** Bars of the metrics that a measure wants drawn, a panel each; a line marks the spread. Readable on light and dark pages. */
export function chartOf({ measure, lines }: Summary, ours: string): string {
  const panels: string[] = [];
  let top = 10;
  for (const line of lines.filter(({ metric }) => measure.drawn.includes(metric.key))) {
    const { svg, height } = panelOf(line, ours, top);
    panels.push(svg);
    top += height;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" font-family="system-ui, sans-serif" font-size="13" fill="#64748b">`,
    `<title>${escape(measure.title)}</title>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ metric, spreads }: Line, ours: string, top: number): { svg: string; height: number } {
  const most = Math.max(...[...spreads.values()].map((spread) => spread.most));
  const x = (value: number): number => Math.round((value / most) * (WIDTH - NAMES_WIDTH - VALUES_WIDTH) * 10) / 10;
  const bars = [...spreads].map(([name, { median, least, most: largest }], index) => {
    const y = top + TITLE + index * (BAR + GAP);
    const middle = y + BAR / 2;
    const left = NAMES_WIDTH;
    return [
      `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${left}" y="${y}" width="${x(median)}" height="${BAR}" rx="2" fill="${name === ours ? OURS : THEIRS}"/>`,
      `<path d="M${left + x(least)} ${middle}H${left + x(largest)}" stroke="#1e293b" stroke-width="2"/>`,
      `<text x="${left + x(largest) + 8}" y="${middle + 4}">${number(median)} ${escape(metric.unit)}</text>`,
    ].join('');
  });
  const title = `<text x="10" y="${top + 20}" font-weight="600">${escape(metric.title.trim())}</text>`;
  return { svg: [title, ...bars].join('\n'), height: TITLE + spreads.size * (BAR + GAP) + 10 };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
