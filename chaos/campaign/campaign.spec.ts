import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../checker/judge.ts';
import { tamper, TAMPERING_NAMES } from '../checker/tamper.ts';
import { PROCESS_FAULTS } from '../faults/process-faults.ts';
import { REDIS_FAULTS } from '../faults/redis-faults.ts';
import type { History } from '../history/history.ts';
import { tableOf } from '../report/table.ts';
import { complaintsOf } from '../report/verdict.ts';
import { singles } from '../schedule/schedule.ts';
import { runCampaign, type CampaignResult } from './campaign.ts';

/** On any machine: time is not what is tried here. */
const TIME_MS = 180_000;

/** Enough to have a history to judge; `npm run chaos` has all kinds. */
const KINDS = new Set(['gateway-killed', 'redis-emptied']);
const faults = [...PROCESS_FAULTS, ...REDIS_FAULTS].filter(({ name }) => KINDS.has(name));
let result: CampaignResult;

beforeAll(async () => {
  result = await runCampaign({
    seed: 1,
    stage: { folder: await mkdtemp(join(tmpdir(), 'tidings-chaos-')), apis: 1, workers: 1, sockets: 2 },
    faults,
    rounds: singles(1, faults),
    perSecond: 60,
    leastAccepted: Infinity,
    longestMs: TIME_MS,
    say: () => undefined,
  });
}, TIME_MS);

describe('a run with some faults, one after the other', () => {
  it('proves that each happened, and finds nothing wrong', () => {
    expect(new Set(result.rounds.flatMap((round) => round.faults))).toEqual(KINDS);
    for (const round of result.rounds) expect(round).toMatchObject({ misfires: 0, complaints: [] });
    const killed = result.rounds.find((round) => round.faults.includes('gateway-killed'));
    expect(killed!.evidence).toEqual([expect.stringMatching(/^socket-\S+ \(\d+\) is dead, \d+ has taken its place$/)]);
    expect(result.accepted).toBeGreaterThan(50);
    expect(result.heard).toBeGreaterThan(result.accepted);
    expect([result.violations, result.ledgerViolations]).toEqual([[], []]);
  });

  it.for(TAMPERING_NAMES)('would fail with one outcome that is %s', (name) => {
    const history: History = { ...result.history, hearings: [...result.history.hearings] };
    tamper(history, name);
    const violations = judge(history, result.ledger);
    expect(violations.map(({ kind }) => kind)).toContain(name);
    expect(complaintsOf({ ...result, violations })).toContainEqual(expect.stringMatching(`^\\d+ ${name}$`));
    const lines = tableOf({ ...result, violations });
    expect(lines.reduce((sum, line) => sum + line[name], 0)).toBeGreaterThan(0);
  });

  it('would fail if its fault had not happened, or a process were not well', () => {
    const [round] = result.rounds;
    for (const wrong of [{ misfires: 1 }, { complaints: ['worker-1 takes no tickets'] }, { healedMs: 16_000 }]) {
      const rounds = [{ ...round!, ...wrong }];
      const healedMs = Math.max(...rounds.map((one) => one.healedMs));
      expect(complaintsOf({ ...result, rounds, healedMs })).toHaveLength(1);
    }
  });

  it('would fail if it had ended before the first fault', () => {
    expect(complaintsOf({ ...result, rounds: [] })).toEqual([expect.stringContaining('no fault was tried')]);
  });
});
