import { HEALED_WITHIN_MS } from '../campaign/round-run.ts';
import type { CampaignResult } from '../campaign/campaign.ts';
import { VIOLATION_KINDS, type Violation, type ViolationKind } from '../checker/violation.ts';

export type Counts = Record<ViolationKind, number>;

/** Everything for which a run fails, for people to read; empty: it has passed. */
export function complaintsOf(result: CampaignResult): string[] {
  const { violations, ledgerViolations, rounds, healedMs, accepted } = result;
  const late = rounds.filter((round) => round.healedMs > HEALED_WITHIN_MS);
  const counts = countsOf(violations);
  return [
    ...VIOLATION_KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`),
    ...ledgerViolations.map((violation) => `in the ledger: ${violation}`),
    ...rounds.filter(({ misfires }) => misfires > 0).map(({ faults }) => `${faults.join(' + ')}: did not happen`),
    ...rounds.flatMap(({ faults, complaints }) => complaints.map((complaint) => `${faults.join(' + ')}: ${complaint}`)),
    ...late.map(
      ({ faults, lastAction }) => `${faults.join(' + ')}: ${HEALED_WITHIN_MS} ms are exceeded by ${lastAction}`,
    ),
    ...(late.length === 0 && healedMs > HEALED_WITHIN_MS
      ? [`an outcome was heard ${Math.round(healedMs)} ms after the last submit`]
      : []),
    ...(accepted === 0 ? ['nothing was accepted'] : []),
    ...(rounds.length === 0 ? ['no fault was tried'] : []),
  ];
}

export function countsOf(violations: readonly Violation[]): Counts {
  const counts = Object.fromEntries(VIOLATION_KINDS.map((kind) => [kind, 0])) as Counts;
  for (const { kind } of violations) counts[kind] += 1;
  return counts;
}

/** The violations that belong to a round: those from its start to the start of the next. */
export function violationsOf({ rounds, violations }: CampaignResult, index: number): Violation[] {
  const from = index === 0 ? -Infinity : rounds[index]!.startedAt;
  const to = rounds[index + 1]?.startedAt ?? Infinity;
  return violations.filter(({ at }) => at >= from && at < to);
}
