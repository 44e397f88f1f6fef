import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { CampaignResult } from '../campaign/campaign.ts';
import { complaintsOf, countsOf } from './verdict.ts';
import { kindsOf, markdownOf, tableOf } from './table.ts';

const FOLDER = join(ROOT, 'artifacts/chaos');

/** Most violations of a run that are written out. */
const SHOWN = 200;

/** Writes what was done and what came of it, as JSON and for people; gives the path without its ending. */
export async function writeReport(result: CampaignResult, command: string): Promise<string> {
  const path = join(FOLDER, `seed-${result.seed}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  await mkdir(FOLDER, { recursive: true });
  const { violations, history: _history, ledger: _ledger, warnings, ...rest } = result;
  const shown = violations.slice(0, SHOWN);
  const json = { command, ...rest, counts: countsOf(violations), kinds: kindsOf(result), violations: shown };
  await writeFile(`${path}.json`, `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(`${path}.md`, textOf(result, command));
  if (complaintsOf(result).length > 0) await writeFile(`${path}.log.json`, JSON.stringify(warnings, null, 1));
  return path;
}

/** The whole run on a few lines. */
export function summaryOf(result: CampaignResult): string {
  const { seed, accepted, repeated, unanswered, heard, ears, ended, healedMs, tookMs, rounds } = result;
  return [
    `seed ${seed}: ${rounds.length} rounds in ${Math.round(tookMs / 1_000)} s, ${Object.keys(kindsOf(result)).length} kinds of faults`,
    `${accepted} actions accepted, ${repeated} submits repeated, ${unanswered} never answered; ended: ${JSON.stringify(ended)}`,
    `${heard} events heard by ${ears} connections; all within ${Math.round(healedMs)} ms of the healing of the last fault`,
    `counts: ${JSON.stringify(countsOf(result.violations))}`,
  ].join('\n');
}

function textOf(result: CampaignResult, command: string): string {
  const complaints = complaintsOf(result);
  return [
    `# Faults, seed ${result.seed}`,
    `\`${command}\`: ${complaints.length === 0 ? 'passed' : 'FAILED'}`,
    summaryOf(result),
    ...(complaints.length > 0 ? [complaints.map((complaint) => `- ${complaint}`).join('\n')] : []),
    markdownOf(tableOf(result)),
    '## What was done',
    result.rounds
      .map(({ faults, evidence, lastAction, machineLoad }, index) =>
        [
          `${index + 1}. ${faults.join(' + ')} (load average ${machineLoad.toFixed(1)})`,
          ...evidence,
          `the last: ${lastAction ?? 'none'}`,
        ].join('\n   - '),
      )
      .join('\n'),
    '',
  ].join('\n\n');
}
