import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATA } from './data-folder.ts';

const FOLDER = join(DATA, 'logs');
const WARNING = 40;
const LEVELS: Record<string, number> = { warn: 40, error: 50, fatal: 60 };

/** Writes the lines of a process to `.data/logs/<name>.log`, which starts anew with each run. */
export function logFile(name: string): (line: string) => void {
  mkdirSync(FOLDER, { recursive: true });
  const stream = createWriteStream(join(FOLDER, `${name}.log`));
  return (line) => void stream.write(`${line}\n`);
}

/** What of an app's line a person at the terminal should see: its warnings, and what is no log line. */
export function notable(line: string): string | null {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return line.trim() === '' ? null : line;
  }
  if (typeof record !== 'object' || record === null) return line;
  const { level, msg, err } = record as { level?: number | string; msg?: string; err?: { message?: string } };
  const severity = typeof level === 'string' ? (LEVELS[level.toLowerCase()] ?? 0) : (level ?? 0);
  if (severity < WARNING) return null;
  return [msg, err?.message].filter((text, index, all) => text && all.indexOf(text) === index).join(': ') || line;
}
