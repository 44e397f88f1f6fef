import { setTimeout as delay } from 'node:timers/promises';
import type { Violation } from '../checker/violation.ts';
import { judge } from '../checker/judge.ts';
import type { Fault } from '../faults/fault.ts';
import type { History, LedgerContent } from '../history/history.ts';
import { readLedger } from '../history/ledger-content.ts';
import { Recorder } from '../history/recorder.ts';
import { Load } from '../load/load.ts';
import { labelOf, type Round } from '../schedule/schedule.ts';
import { Stage, type StageOptions } from '../stage/stage.ts';
import { heardAll, HEALED_WITHIN_MS, runRound, type RoundRun } from './round-run.ts';

export interface CampaignOptions {
  seed: number;
  stage: StageOptions;
  perSecond: number;
  faults: readonly Fault[];
  rounds: Iterable<Round>;
  /** Until so many actions are accepted, at least; then no further round begins. */
  leastAccepted: number;
  /** No further round begins after that, in milliseconds. */
  longestMs: number;
  say: (line: string) => void;
}

export interface CampaignResult {
  seed: number;
  rounds: RoundRun[];
  accepted: number;
  /** Submits without an answer: zero actions or one. */
  unanswered: number;
  /** Submits that were sent more than once. */
  repeated: number;
  /** What was heard, by all ears. */
  heard: number;
  ears: number;
  /** Ends of actions, by status. */
  ended: Record<string, number>;
  violations: Violation[];
  /** The last warnings of the apps, by their names. */
  warnings: Record<string, string[]>;
  /** What was judged. */
  history: History;
  ledger: LedgerContent;
  /** What the ledger itself says that must not be. */
  ledgerViolations: string[];
  /** From the healing of the last fault to the last outcome that was waited for, at most over all rounds, in milliseconds. */
  healedMs: number;
  tookMs: number;
}

/** Time in which actions are done and nothing is broken, in milliseconds. */
const WARM_UP_MS = 2_000;

/** Whatever comes twice would come in that time, in milliseconds. */
const QUIET_MS = 3_000;

const SHOWN_WARNINGS = 200;

/** Round after round, under load; then waits for quiet, and judges. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, perSecond, say } = options;
  const startedAt = performance.now();
  const stage = await Stage.start(options.stage);
  const recorder = new Recorder();
  const [api, lines] = [stage.rest.url, stage.lines.map(({ url }) => url)];
  const load = await Load.gather({ seed, api, lines, slowLine: stage.slowLine.url, perSecond, recorder });
  say(
    `ready after ${Math.round(performance.now() - startedAt)} ms: ${stage.instances.map(({ app }) => app.name).join(' ')}`,
  );
  load.start();
  await delay(WARM_UP_MS);
  const rounds = await runRounds(options, { stage, load, recorder, startedAt });
  await load.stop();
  const { healedMs: quietMs } = await heardAll(recorder, performance.now());
  await stage.ledger.settled(HEALED_WITHIN_MS).catch(() => undefined);
  await delay(QUIET_MS);
  for (const waiting of load.waiting()) recorder.report('lost', waiting);
  const [content, report] = [await readLedger(stage.ledger), await stage.ledger.report()];
  load.close();
  const warnings = warningsOf(stage);
  await stage.stop();
  return {
    ...{ seed, warnings, history: recorder, ledger: content },
    violations: judge(recorder, content),
    rounds: rounds.map((round) => ({ ...round, lastAction: describeLast(round, content) })),
    accepted: recorder.accepted,
    unanswered: recorder.submits.filter(({ end }) => end === 'unanswered').length,
    repeated: recorder.submits.filter(({ tries }) => tries > 1).length,
    heard: recorder.hearings.length,
    ears: recorder.ears.length,
    ended: report.ended,
    ledgerViolations: report.violations,
    healedMs: Math.max(quietMs, ...rounds.map(({ healedMs }) => healedMs)),
    tookMs: performance.now() - startedAt,
  };
}

async function runRounds(
  { rounds, faults, leastAccepted, longestMs, say }: CampaignOptions,
  { startedAt, ...scene }: { stage: Stage; load: Load; recorder: Recorder; startedAt: number },
): Promise<RoundRun[]> {
  const byName = new Map(faults.map((fault) => [fault.name, fault]));
  const done: RoundRun[] = [];
  for (const round of rounds) {
    const isEnough = scene.recorder.accepted >= leastAccepted;
    if (isEnough || performance.now() - startedAt > longestMs) break;
    say(`round ${done.length + 1}: ${round.faults.map(labelOf).join(' + ')}`);
    const run = await runRound({ ...scene, faults: byName }, round);
    done.push(run);
    for (const line of [...run.evidence, ...run.complaints.map((complaint) => `WRONG: ${complaint}`)]) say(`  ${line}`);
    say(
      `  all heard ${Math.round(run.healedMs)} ms after the healing; ${run.accepted} accepted, ${scene.recorder.accepted} in all`,
    );
  }
  return done;
}

function warningsOf({ instances }: Stage): Record<string, string[]> {
  return Object.fromEntries(
    instances.map(({ app }) => [
      app.name,
      app
        .logs()
        .split('\n')
        .filter((line) => !line.includes('"level":30'))
        .slice(-SHOWN_WARNINGS),
    ]),
  );
}

/** Where the time went of the outcome that was heard last: before the action was done, or after it. */
function describeLast(
  { lastAction, startedAt, lastedMs, healedMs }: RoundRun,
  { actions }: LedgerContent,
): string | undefined {
  const action = actions.find(({ id }) => id === lastAction);
  if (!action?.finishedAt) return lastAction;
  const healedAt = performance.timeOrigin + startedAt + lastedMs;
  const doneMs = Math.round(action.finishedAt - healedAt);
  return `${action.type} ${action.id} of ${action.owner}: done ${doneMs} ms after the healing, heard by all after ${Math.round(healedMs)} ms`;
}
