import { afterAll, beforeAll, expect, it } from 'vitest';
import { roomChannel } from '#contracts';
import { eventually, LedgerCheck, startSystem, token, type System } from '#testing';
import { Crowd } from './crowd.ts';
import { isCaughtUp, judge, readRooms } from './entitlement.ts';

/** The longest until everything is heard, after the last request. */
const HEARD_WITHIN_MS = 30_000;

let system: System;
let ledger: LedgerCheck;
let crowd: Crowd;

beforeAll(async () => {
  system = await startSystem({ sockets: 2, env: { SWEEP_AFTER_MS: '1000', SWEEP_INTERVAL_MS: '250' } });
  ledger = new LedgerCheck(system.database);
  crowd = await Crowd.gather({
    api: system.api.url,
    sockets: system.sockets.map(({ url }) => url),
    rooms: 5,
    membersEach: 8,
    tokenOf: (user) => token(user),
  });
}, 60_000);

afterAll(async () => {
  crowd?.close();
  await ledger?.close();
});

it('members hear each event of theirs once and in order, and nobody else does, although a gateway is killed', async () => {
  const pace = { messages: 40, changes: 10 };
  const [victim] = system.sockets;
  await crowd.live({ ms: 1_500, ...pace });
  const orphans = crowd.members.filter(({ instances }) => instances.at(-1) === victim!.name);
  expect(orphans.length).toBeGreaterThan(0);
  const living = crowd.live({ ms: 3_000, ...pace });
  await victim!.kill();
  await Promise.all([living, crowd.pry()]);
  await ledger.settled(HEARD_WITHIN_MS);
  const rooms = await readRooms(ledger, crowd.roomIds);
  await eventually(
    () => {
      const late = crowd.members.filter((member) => !isCaughtUp(member, rooms.get(roomChannel(member.roomId))!));
      expect(late.map(({ userId, hearings }) => ({ userId, last: hearings.at(-1) }))).toEqual([]);
    },
    { timeoutMs: HEARD_WITHIN_MS },
  );
  await crowd.pry();
  for (const { instances } of orphans) expect(instances.at(-1)).toBe(system.sockets[1]!.name);
  expect(crowd.leaves).toBeGreaterThan(0);
  expect(crowd.joins).toBeGreaterThan(0);
  const none = { lost: 0, doubled: 0, disordered: 0, foreign: 0 };
  expect(judge(crowd.members, rooms)).toMatchObject({ ...none, unsubscribed: 0 });
  expect(crowd.strangers.map(({ heard, refused }) => ({ heard, refused }))).toEqual(
    crowd.strangers.map(() => ({ heard: [], refused: 2 })),
  );
  expect((await ledger.report()).violations).toEqual([]);
}, 90_000);
