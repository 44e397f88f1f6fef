import type { CampaignResult } from '../campaign/campaign.ts';
import type { RoundRun } from '../campaign/round-run.ts';
import { VIOLATION_KINDS } from '../checker/violation.ts';
import { countsOf, violationsOf, type Counts } from './verdict.ts';

/** The sums over all rounds with the same faults. */
export interface Line extends Counts {
  faults: string;
  rounds: number;
  accepted: number;
  /** The longest from the healing to the last outcome, in milliseconds. */
  healedMs: number;
  /** Whether each fault happened, and the processes were well afterwards. */
  well: boolean;
}

/** A line for each kind of round: single faults by name, mixes by their size. */
export function tableOf(result: CampaignResult): Line[] {
  const indexed = result.rounds.map((round, index) => ({ round, index }));
  const groups = Map.groupBy(indexed, ({ round: { faults } }) =>
    faults.length === 1 ? faults[0]! : `mixes of ${faults.length}`,
  );
  return [...groups].map(([faults, members]) => lineOf(result, faults, members));
}

function lineOf(result: CampaignResult, faults: string, members: { round: RoundRun; index: number }[]): Line {
  return {
    faults,
    rounds: members.length,
    accepted: members.reduce((sum, { round }) => sum + round.accepted, 0),
    ...countsOf(members.flatMap(({ index }) => violationsOf(result, index))),
    healedMs: Math.round(Math.max(...members.map(({ round }) => round.healedMs))),
    well: members.every(({ round }) => round.misfires === 0 && round.complaints.length === 0),
  };
}

/** How often each kind of fault happened, alone or in a mix. */
export function kindsOf({ rounds }: CampaignResult): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const label of rounds.flatMap(({ faults }) => faults)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

export function markdownOf(lines: readonly Line[]): string {
  const names = ['faults', 'rounds', 'accepted', ...VIOLATION_KINDS, 'healed after', 'processes'];
  const rows = lines.map((line) => [
    ...[line.faults, line.rounds, line.accepted],
    ...VIOLATION_KINDS.map((kind) => line[kind]),
    ...[`${(line.healedMs / 1_000).toFixed(1)} s`, line.well ? 'well' : 'NOT WELL'],
  ]);
  return [names, names.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
