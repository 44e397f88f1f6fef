import { connect, eventually, token } from '#testing';
import type { Instance, Stage } from './stage.ts';

/** How long all may take to serve again, after the last fault has healed, in milliseconds. */
const SERVING_MS = 30_000;

/** More than a worker that takes no tickets says to Redis in a second, in bytes. */
const AT_WORK_BYTES = 20_000;

/** What is wrong with the processes once faults have healed; empty: all are as they were, serve, and work. */
export async function complaintsAbout(stage: Stage): Promise<string[]> {
  const all = [
    ...stage.instances.map(isReady),
    ...stage.gateways.map(takesConnections),
    ...stage.workers.map(isAtWork),
  ];
  const found = await Promise.all(
    all.map((check) =>
      check.then(
        () => [],
        (error: unknown) => [String(error)],
      ),
    ),
  );
  return [...stage.supervisor.complaints(), ...found.flat()];
}

/** Ready without any loss. */
async function isReady({ app }: Instance): Promise<void> {
  await eventually(
    async () => {
      const answer = await fetch(`${app.url}/readyz`, { signal: AbortSignal.timeout(3_000) });
      const { status } = (await answer.json()) as { status: string };
      if (status !== 'ok') throw new Error(`${app.name} is ${status}`);
    },
    { timeoutMs: SERVING_MS, everyMs: 100 },
  );
}

async function takesConnections({ app }: Instance): Promise<void> {
  const probe = await eventually(async () => connect(app.url, { token: await token('probe') }), {
    timeoutMs: SERVING_MS,
  });
  probe.close();
}

/** A worker whose connection died looks as good as any other: so what it tells Redis is counted. */
async function isAtWork({ app, redis }: Instance): Promise<void> {
  const before = redis.counts.carried;
  await eventually(
    () => {
      const said = redis.counts.carried - before;
      if (said < AT_WORK_BYTES) throw new Error(`${app.name} takes no tickets: it exchanged ${said} bytes with Redis`);
    },
    { timeoutMs: SERVING_MS, everyMs: 100 },
  );
}
