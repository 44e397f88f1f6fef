import { runAnnouncements } from './announce-run.ts';
import { startBenchSystem } from './system.ts';

const INSTANCES = 4;

/** What an announcement to many connections costs, and whether each hears it once. */
export async function benchAnnouncements({ clients }: { clients: number }): Promise<void> {
  const system = await startBenchSystem(INSTANCES);
  try {
    for (const run of await runAnnouncements(system, clients)) {
      console.log(
        `to ${run.audience}: ${run.connections} connections on ${INSTANCES} instances, ${run.addressed} addressed: ` +
          `${run.publishes} Redis publish, ${run.once} heard it once, ${run.doubled} twice, ${run.astray} astray; ` +
          `the last one ${run.tookMs} ms after the submit`,
      );
    }
  } finally {
    await system.stop();
  }
}
