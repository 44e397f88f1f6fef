import { expect, it, onTestFinished } from 'vitest';
import { createClient } from '#client';
import { eventually, LedgerCheck, migrate, startBalancer, startSystem, token } from '#testing';
import { DeployLoad } from '../../bench/deploys/deploy-load.ts';
import { Conversation } from './conversation.ts';
import { MixedFleet, type Mix } from './mixed-fleet.ts';
import { previousReleaseWithLess, sdkOf } from './previous-release.ts';
import { expandTables } from './schema.ts';

const USERS = 30;
const ACTIONS_PER_SECOND = 40;

/** The longest until all that was submitted is heard, in milliseconds. */
const QUIET_MS = 60_000;

const WORKER_AND_A_SOCKET: Mix = { api: ['previous'], worker: ['present'], socket: ['previous', 'present'] };
const API_AND_THE_OTHERS_BACK: Mix = { api: ['present'], worker: ['previous'], socket: ['previous'] };
const ALL: Mix = { api: ['present'], worker: ['present'], socket: ['present'] };

/** What a process says when it cannot read or use what one of the other version made. */
const MISUNDERSTOOD = /not a ticket|not ours|no @EventPattern|no handler for|cached plan|does not exist|violates/;

it('two versions at once, in a rolling deploy and rolled back, lose, double and reorder nothing', async () => {
  const previous = await previousReleaseWithLess();
  const system = await startSystem({ root: previous.root });
  const fleet = new MixedFleet(system, previous.root);
  const [apis, sockets] = [await startBalancer(system.apis), await startBalancer(system.sockets)];
  const urls = { api: apis.url, socket: sockets.url };
  const load = await DeployLoad.start({
    ...urls,
    users: USERS,
    actionsPerSecond: ACTIONS_PER_SECOND,
    tokenOf: (user) => token(user),
  });
  onTestFinished(() => load.close());
  const sdk = await sdkOf(previous);
  const talk = await Conversation.start({ ...urls, users: { alice: createClient, bob: sdk.createClient } });
  onTestFinished(() => talk.close());
  const carol = await system.user('carol', {}, apis.url);
  const carolsActions = new Set<string>();

  const isWellWith = async (mix: string): Promise<void> => {
    const before = load.accepted;
    await eventually(() => expect(load.accepted).toBeGreaterThan(before + USERS), { timeoutMs: QUIET_MS });
    await load.calm(QUIET_MS);
    await talk.go(mix);
    const headers = { 'Idempotency-Key': 'the-same-in-every-mix' };
    carolsActions.add((await carol.submit('POST', '/v1/messages', { body: { text: 'once' }, headers })).id);
  };

  await isWellWith('the previous version');
  await migrate(system.database);
  // Columns of a version that is yet to come: the present one will be the previous one then.
  await expandTables(system.database);
  await isWellWith('the previous version on the new schema');

  await fleet.become(WORKER_AND_A_SOCKET);
  await isWellWith('a new worker, and a new socket');
  const ears = await Promise.all(
    (['previous', 'present'] as const).map((version) => carol.connect(fleet.find('socket', version))),
  );
  for (const { socket } of ears) await socket.emitWithAck('mirror', { event: 'draft', data: { text: 'from here' } });
  await eventually(() => expect(ears.map(({ ephemera }) => ephemera.length)).toEqual([1, 1]));
  for (const ear of ears) ear.close();

  await fleet.become(API_AND_THE_OTHERS_BACK);
  const announcement = await talk
    .client('alice')
    .resource('announcements')
    .create({ audience: 'everyone', title: 'New', body: 'No worker of the previous version knows what this is' });
  await isWellWith('a new api, worker and socket rolled back');
  expect(await migrate(system.database, previous.root)).toContain('nothing to migrate');
  expect(await talk.client('alice').actions.get(announcement.action.id)).toMatchObject({ status: 'pending' });

  await fleet.become(ALL);
  expect(await announcement.outcome()).toMatchObject({ status: 'succeeded', attempts: 1 });
  await isWellWith('all new');
  await load.end(QUIET_MS);

  expect(load.judge()).toEqual({ lost: 0, doubled: 0, reordered: 0, foreign: 0, unrecovered: 0, refused: 0 });
  expect(carolsActions.size).toBe(1);
  for (const { texts, offsets } of talk.heard.values()) {
    expect(texts).toEqual(talk.said);
    expect(offsets).toEqual(offsets.map((_, index) => offsets[0]! + index));
  }
  const ledger = new LedgerCheck(system.database);
  onTestFinished(() => ledger.close());
  await ledger.settled(QUIET_MS);
  expect(await ledger.report()).toEqual({ ended: { succeeded: expect.any(Number) as number }, violations: [] });
  const lines = fleet.processes.flatMap((process) => process.logs().split('\n'));
  expect(lines.filter((line) => MISUNDERSTOOD.test(line) || /"level":[56]0/.test(line))).toEqual([]);
}, 600_000);
