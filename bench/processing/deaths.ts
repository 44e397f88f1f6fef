import { setTimeout as delay } from 'node:timers/promises';
import { atLeast, atMost, type Figure } from './figure.ts';
import { drill, Installation, type Servers } from './installation.ts';

const ACTIONS = 5_000;
const BATCH = 250;
const WORKERS = 3;
const KILL_EVERY_MS = [300, 1_500] as const;

/** SIGKILL of workers at random while actions come in and are worked on. */
export async function measureDeaths(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, WORKERS);
  let kills = 0;
  const submitting = new AbortController();
  const killing = (async () => {
    const [shortest, longest] = KILL_EVERY_MS;
    while (!submitting.signal.aborted) {
      await delay(shortest + Math.random() * (longest - shortest));
      const victim = system.workers[Math.floor(Math.random() * WORKERS)]!;
      await victim.kill();
      kills += 1;
      await victim.start();
    }
  })();
  for (let sent = 0; sent < ACTIONS; sent += BATCH) {
    await system.submit(
      Array.from({ length: BATCH }, (_, index) =>
        drill(index % 4 === 0 ? { performMs: Math.floor(Math.random() * 100) } : {}),
      ),
    );
    await delay(1_000);
  }
  submitting.abort();
  await killing;
  const settledMs = await system.ledger.settled(60_000);
  const figures = await system.judge('deaths', ACTIONS);
  await system.stop();
  return [
    ...figures,
    atLeast('deaths: SIGKILLs of workers', kills, 5),
    atMost('deaths: last outcome after the last restart', settledMs / 1_000, 10, ' s'),
  ];
}
