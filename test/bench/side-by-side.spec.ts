import { afterAll, describe, expect, test } from 'vitest';
import { LedgerCheck } from '#testing';
import { costOf } from '../../bench/side-by-side/measuring.ts';
import { floors } from '../../bench/side-by-side/floors.ts';
import { BenchSystem } from '../../bench/side-by-side/system.ts';
import { summarise } from '../../bench/side-by-side/summary.ts';
import { tableOf } from '../../bench/side-by-side/table.ts';
import { throughput } from '../../bench/side-by-side/measures/throughput.ts';

describe('the side-by-side benchmark', () => {
  const running: BenchSystem[] = [];
  afterAll(() => Promise.all(running.map((system) => system.stop())));

  const run = async (floor: string): Promise<BenchSystem> => {
    const system = await BenchSystem.start(
      floors().find(({ name }) => name === floor)!,
      { workers: 1, sockets: 1 },
    );
    running.push(system);
    return system;
  };

  test('has outcomes heard, and counts what they cost', { timeout: 60_000 }, async () => {
    const system = await run('plain ws');
    await system.load.tell('connect', { target: system.target, users: 10, prefix: 'user-' });
    const { result, cost } = await costOf(system, () => system.load.tell('closed', { inFlight: 20, seconds: 1 }));
    expect(result).toMatchObject({ refused: 0, lost: 0, outcomes: result.submitted });
    expect(result.outcomes).toBeGreaterThanOrEqual(20);
    expect(cost.cpuMs.api).toBeGreaterThan(0);
    expect(cost.cpuMs.worker).toBe(0);
  });

  test('knows what a ledger costs at the least', { timeout: 60_000 }, async () => {
    const system = await run('plain ledger');
    await system.load.tell('connect', { target: system.target, users: 10, prefix: 'user-' });
    const result = await system.load.tell('closed', { inFlight: 20, seconds: 1 });
    expect(result).toMatchObject({ refused: 0, lost: 0, outcomes: result.submitted });
    const ledger = new LedgerCheck(system.database);
    const [row] = await ledger.query<{ told: number }>('select count(distinct action_id)::integer as told from events');
    await ledger.close();
    expect(row).toEqual({ told: result.outcomes });
  });

  test('compares with the best of the stock stacks, round by round', () => {
    const sample = (perSecond: number, cpu: number): Record<string, number> => ({ perSecond, cpu, foreign: 0.1 });
    const samples = new Map([
      ['tidings', [sample(2_000, 2), sample(4_000, 3), sample(3_000, 4)]],
      ['slow', [sample(900, 9), sample(1_000, 9), sample(900, 9)]],
      ['fast', [sample(1_000, 8), sample(2_000, 6), sample(1_500, 8)]],
    ]);
    const summary = summarise(throughput, samples, { ours: 'tidings', stocks: ['slow', 'fast'] });
    const [perSecond, cpu] = summary.lines;
    expect(perSecond).toMatchObject({ best: 'fast', ratio: { median: 2, least: 2, most: 2 } });
    expect(cpu).toMatchObject({ best: 'fast', ratio: { median: 0.375, least: 0.25, most: 0.5 } });
    const table = tableOf(summary);
    expect(table).toContain('| 3000 (2000–4000) |');
    expect(table).toContain('2 × (2–2) fast');
    expect(table).toContain('Foreign load: 0.1 cores');
  });
});
