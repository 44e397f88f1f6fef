import { expect, it, onTestFinished } from 'vitest';
import { eventually, LedgerCheck, startBalancer, startSystem, token } from '#testing';
import { DeployLoad } from '../bench/deploys/deploy-load.ts';
import { replaceEach } from '../bench/deploys/fleet.ts';

/** Enough that every process has work in hand when it ends. */
const USERS = 60;
const ACTIONS_PER_SECOND = 60;

/** The longest until all is heard once the deploy is over, in milliseconds. */
const QUIET_MS = 60_000;

it('a rolling deploy of every api, worker and socket under load loses, doubles and reorders nothing', async () => {
  const system = await startSystem({ apis: 2, workers: 2, sockets: 2 });
  const before = new Set([...system.apis, ...system.workers, ...system.sockets]);
  const [apis, sockets] = [await startBalancer(system.apis), await startBalancer(system.sockets)];
  const load = await DeployLoad.start({
    api: apis.url,
    socket: sockets.url,
    users: USERS,
    actionsPerSecond: ACTIONS_PER_SECOND,
    tokenOf: (user) => token(user),
  });
  onTestFinished(() => load.close());
  await eventually(() => expect(load.accepted).toBeGreaterThan(USERS), { timeoutMs: 60_000 });

  for (const app of ['worker', 'socket', 'api'] as const) await replaceEach(system, app);
  await load.end(QUIET_MS);

  expect([...system.apis, ...system.workers, ...system.sockets].filter((app) => before.has(app))).toEqual([]);
  expect(load.judge()).toEqual({ lost: 0, doubled: 0, reordered: 0, foreign: 0, unrecovered: 0, refused: 0 });
  const ledger = new LedgerCheck(system.database);
  onTestFinished(() => ledger.close());
  await ledger.settled(QUIET_MS);
  expect(await ledger.report()).toEqual({ ended: { succeeded: load.accepted }, violations: [] });
}, 600_000);
