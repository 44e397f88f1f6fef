import { expect, it } from 'vitest';
import { userChannel } from '#contracts';
import { connect, eventually, LedgerCheck, startSystem, token, type Listener } from '#testing';
import { makeUpEvents } from './made-up-events.ts';
import { upTo } from './sequence.ts';

const CLIENTS = 500;
const MISSED = 20;

/** Far below one a client; each of them needs its own three channels, and what it missed. */
const MOST_QUERIES = 250;

const COMMITS = `select xact_commit::integer as commits from pg_stat_database where datname = current_database()`;

it('500 clients that come back at once get all they missed, and share their queries', async () => {
  const system = await startSystem({ apis: 0, workers: 0, sockets: 1 });
  const [socket] = system.sockets;
  const ledger = new LedgerCheck(system.database);
  const names = Array.from({ length: CLIENTS }, (_, index) => `user-${index}`);
  const listeners: Listener[] = [];
  for (let start = 0; start < CLIENTS; start += 50) {
    const some = names.slice(start, start + 50);
    listeners.push(
      ...(await Promise.all(some.map(async (name) => connect(socket!.url, { token: await token(name) })))),
    );
  }

  await socket!.kill();
  await makeUpEvents(ledger, names.map(userChannel), 1, MISSED);
  const before = await commits(ledger);
  const startedAt = performance.now();
  await socket!.start();
  await eventually(
    () => {
      const complete = listeners.filter(({ events }) => events.length >= MISSED);
      expect(complete).toHaveLength(CLIENTS);
    },
    { timeoutMs: 60_000, everyMs: 50 },
  );
  const tookMs = Math.round(performance.now() - startedAt);
  for (const { events, sessions } of listeners) {
    expect(events.map(({ offset }) => offset)).toEqual(upTo(MISSED));
    expect(sessions.map(({ recovered }) => recovered)).toEqual([true, true]);
  }
  const queries = (await settledCommits(ledger)) - before;
  console.log(`storm: ${CLIENTS} clients, ${MISSED} events each, in ${tookMs} ms with the start; ${queries} queries`);
  expect(queries).toBeLessThan(MOST_QUERIES);
  for (const listener of listeners) listener.close();
  await ledger.close();
}, 120_000);

async function commits(ledger: LedgerCheck): Promise<number> {
  const [row] = await ledger.query<{ commits: number }>(COMMITS);
  return row!.commits;
}

/** What the gateway asks now and then anyway, such as for revocations, and this look itself, within a second. */
const PERIODIC = 10;

/** Backends report what they did when they are idle, a second later at most: waits until hardly anything is new. */
async function settledCommits(ledger: LedgerCheck): Promise<number> {
  let last = await commits(ledger);
  return eventually(
    async () => {
      const before = last;
      last = await commits(ledger);
      expect(last - before).toBeLessThanOrEqual(PERIODIC);
      return last;
    },
    { timeoutMs: 20_000, everyMs: 1_100 },
  );
}
