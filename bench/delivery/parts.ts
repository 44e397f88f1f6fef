import { loadavg } from 'node:os';
import { startLine } from '../../test/client/line.ts';
import { runAbsence } from './absence-run.ts';
import { benchAnnouncements } from './announcements.ts';
import { runFault, type FaultRun } from './fault-run.ts';
import { FAULTS } from './faults.ts';
import { runStorm } from './storm-run.ts';
import { startBenchSystem, type BenchSystem } from './system.ts';

export interface PartsOptions {
  /** Of each fault. */
  runs: number;
  /** Of the storm. */
  clients: number;
  /** Of the storm, and of the death of a gateway: the first pause of clients, in milliseconds. */
  retryMs: number | undefined;
  /** Name of the only part that is wanted. */
  only: string | undefined;
}

const PARTS: Readonly<Record<string, (system: BenchSystem, options: PartsOptions) => Promise<void>>> = {
  faults: benchFaults,
  absence: benchAbsence,
  // The last one: it kills api and worker.
  storm: benchStorm,
};

/** @throws {Error} when there is no such part */
export async function runParts(options: PartsOptions): Promise<void> {
  const { only } = options;
  if (only === 'announcements') return benchAnnouncements(options);
  if (only === 'death') return benchDeath(options);
  if (only !== undefined && !Object.hasOwn(PARTS, only)) {
    throw new Error(`unknown: ${only}; there are ${[...Object.keys(PARTS), 'announcements', 'death'].join(', ')}`);
  }
  const system = await startBenchSystem(2);
  try {
    for (const [name, bench] of Object.entries(PARTS)) {
      if (only === undefined || only === name) await bench(system, options);
    }
  } finally {
    await system.stop();
  }
}

/** One of three gateways that share the clients dies. */
async function benchDeath({ runs, clients, retryMs }: PartsOptions): Promise<void> {
  const each = Math.floor(clients / 3);
  for (let run = 1; run <= runs; run += 1) {
    const system = await startBenchSystem(3);
    try {
      const { complete, tookMs, replayMs } = await runStorm(system, each, { residents: each, retryMs });
      const replays = `from their connection to the last missed event p50 ${replayMs.p50}, p99 ${replayMs.p99} ms`;
      console.log(
        `run ${run}: one of three gateways killed, ${each} clients each: ${complete} complete in ${tookMs} ms; ${replays}`,
      );
    } finally {
      await system.stop();
    }
  }
}

/** Each fault some times: a line a run, and one with the sums. */
async function benchFaults(system: BenchSystem, { runs }: PartsOptions): Promise<void> {
  const lines = await Promise.all(system.sockets.map(startLine));
  for (const [name, fault] of Object.entries(FAULTS)) {
    const results: FaultRun[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const result = await runFault(system, lines, fault);
      console.log(`${name}, run ${run}: ${JSON.stringify(result)}`);
      results.push(result);
    }
    const sum = (key: keyof FaultRun): number => results.reduce((total, result) => total + result[key], 0);
    const slowest = Math.max(...results.map(({ healedMs }) => healedMs));
    console.log(
      `${name}: ${results.length} runs, ${sum('accepted')} accepted, ${sum('lost')} lost, ${sum('doubled')} doubled, ` +
        `${sum('disordered')} out of order; all heard at most ${slowest} ms after the last submit`,
    );
  }
  for (const line of lines) line.close();
}

async function benchAbsence(system: BenchSystem): Promise<void> {
  const { missed, complete, tookMs, grownMb, latencyMs } = await runAbsence(system);
  const { before, during } = latencyMs;
  console.log(
    `a client away for an hour with ${missed} outcomes: ${complete} of ${tookMs.length} returns complete and in order, ` +
      `in ${tookMs.join(', ')} ms; the gateway grew by ${grownMb} MB at most; others' median, 95 %, most from submit ` +
      `to outcome: ${before.median}, ${before.p95}, ${before.most} ms (${before.count}) before, ` +
      `${during.median}, ${during.p95}, ${during.most} ms (${during.count}) meanwhile`,
  );
}

async function benchStorm(system: BenchSystem, options: PartsOptions): Promise<void> {
  const { retryMs } = options;
  const { clients, complete, tookMs, replayMs, queries, cpuMs } = await runStorm(system, options.clients, { retryMs });
  const share = (ms: number): string => `${ms} ms (${(ms / clients).toFixed(2)} a client)`;
  console.log(
    `a gateway with ${clients} clients killed: ${complete} complete in ${tookMs} ms, with ${queries} queries; ` +
      `from their connection to the last missed event p50 ${replayMs.p50}, p99 ${replayMs.p99} ms; ` +
      `CPU time: gateway ${share(cpuMs.gateway)}, Postgres ${share(cpuMs.postgres)}, ` +
      `the clients themselves ${share(cpuMs.clients)}; load ${loadavg()
        .map((load) => load.toFixed(1))
        .join(' ')}`,
  );
}
