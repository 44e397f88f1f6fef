import { startLine } from '../../test/client/line.ts';
import { runFault, type FaultRun } from './fault-run.ts';
import { FAULTS } from './faults.ts';
import { runStorm } from './storm-run.ts';
import { startBenchSystem } from './system.ts';

/** What is lost, doubled or out of order at the client library when things break, and how a storm of reconnects is taken. */
export async function benchRobustness({ runs, clients }: { runs: number; clients: number }): Promise<void> {
  const system = await startBenchSystem(2);
  try {
    const lines = await Promise.all(system.sockets.map(startLine));
    for (const [name, fault] of Object.entries(FAULTS)) {
      const results: FaultRun[] = [];
      for (let run = 0; run < runs; run += 1) results.push(await runFault(system, lines, fault));
      const sum = (key: keyof FaultRun): number => results.reduce((total, result) => total + result[key], 0);
      const slowest = Math.max(...results.map(({ healedMs }) => healedMs));
      console.log(
        `${name}: ${results.length} runs, ${sum('accepted')} accepted, ${sum('lost')} lost, ${sum('doubled')} doubled, ` +
          `${sum('disordered')} out of order; all heard at most ${slowest} ms after the last submit`,
      );
    }
    for (const line of lines) line.close();
    const { clients: stormed, complete, tookMs, queries, cpuMs } = await runStorm(system, clients);
    console.log(
      `a gateway with ${stormed} clients killed: ${complete} complete in ${tookMs} ms; ` +
        `the other one made ${queries} queries, and took ${cpuMs} ms of CPU`,
    );
  } finally {
    await system.stop();
  }
}
