import { atEndOfFile } from './cleanup.ts';

/** A process with a log, such as those of `startApp`. */
interface Logging {
  name: string;
  pid: number | undefined;
  logs(): string;
}

const SHOWN_LINES = 20;

/** The level from which on pino's lines are warnings. */
const WARNING = 40;

const shown = new Set<Logging>();

/** Shows the last warnings of a process whenever a test of this file fails. */
export function showLogsOfFailures(process: Logging): void {
  shown.add(process);
  atEndOfFile(async () => void shown.delete(process));
}

/** Shows them now. */
export function showLogs(): void {
  for (const logging of shown) process.stderr.write(`${describe(logging)}\n`);
}

/** Its last warnings, or its last lines when there are none. */
function describe(logging: Logging): string {
  const { name, pid } = logging;
  const lines = logging.logs().split('\n').filter(Boolean);
  const warnings = lines.filter(isWarning);
  const [what, chosen] = warnings.length > 0 ? ['warnings', warnings] : ['lines', lines];
  const state = pid === undefined ? 'ended' : `running as ${pid}`;
  return [`--- ${name} (${state}), its last ${what}:`, ...chosen.slice(-SHOWN_LINES)].join('\n  ');
}

/** What is not structured, such as the stack of a crash, is one too. */
function isWarning(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level >= WARNING;
  } catch {
    return true;
  }
}
