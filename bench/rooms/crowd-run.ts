import { setTimeout as delay } from 'node:timers/promises';
import { roomChannel } from '#contracts';
import { LedgerCheck } from '../../libs/testing/src/ledger-check.ts';
import { Crowd } from '../../test/rooms/crowd.ts';
import { isCaughtUp, judge, readRooms } from '../../test/rooms/entitlement.ts';
import { tokenOf, type BenchSystem } from '../delivery/system.ts';

const MESSAGES_PER_SECOND = 200;
const CHANGES_PER_SECOND = 10;

/** The longest until everything is heard, after the last request. */
const HEARD_WITHIN_MS = 60_000;

export interface CrowdRun {
  /** What was done, for people to read. */
  done: string[];
  figures: Record<string, { is: number; wanted?: number }>;
}

/** Lets a crowd live while a gateway is killed in the middle, and judges what everybody heard. */
export async function runCrowd(
  system: BenchSystem,
  { rooms, membersEach, seconds }: { rooms: number; membersEach: number; seconds: number },
): Promise<CrowdRun> {
  const { api, sockets, database } = system;
  const ledger = new LedgerCheck(database);
  const urls = sockets.map(({ url }) => url);
  const crowd = await Crowd.gather({ api: api.url, sockets: urls, rooms, membersEach, tokenOf });
  const victim = sockets[0]!;
  const { pid } = victim;
  const startedAt = performance.now();
  const living = crowd.live({ ms: seconds * 1_000, messages: MESSAGES_PER_SECOND, changes: CHANGES_PER_SECOND });
  await delay(seconds * 400);
  const orphans = crowd.members.filter(({ instances }) => instances.at(-1) === victim.name);
  await victim.kill();
  const isDead = !isAlive(pid!);
  await Promise.all([living, crowd.pry()]);
  const endedAt = performance.now();
  const tookMs = Math.round(endedAt - startedAt);
  await ledger.settled(HEARD_WITHIN_MS);
  const events = await readRooms(ledger, crowd.roomIds);
  const isLate = (): number =>
    crowd.members.filter((member) => !isCaughtUp(member, events.get(roomChannel(member.roomId))!)).length;
  while (isLate() > 0 && performance.now() - endedAt < HEARD_WITHIN_MS) await delay(100);
  const healedMs = Math.round(performance.now() - endedAt);
  const late = isLate();
  // Whatever comes twice would come now.
  await crowd.pry();
  await delay(1_000);
  const { owed, memberships, endedAway, lost, doubled, disordered, foreign, unsubscribed } = judge(
    crowd.members,
    events,
  );
  const { violations, ended } = await ledger.report();
  const moved = orphans.filter(({ instances }) => instances.at(-1) !== victim.name).length;
  const cutOff = crowd.members.filter((member) => !orphans.includes(member) && member.instances.length > 1).length;
  const overheard = crowd.strangers.reduce((sum, { heard }) => sum + heard.length, 0);
  const refused = crowd.strangers.reduce((sum, stranger) => sum + stranger.refused, 0);
  crowd.close();
  await ledger.close();
  for (const violation of violations) console.error(violation);
  return {
    done: [
      `${rooms} rooms × ${membersEach} members over ${sockets.length} gateways, ${MESSAGES_PER_SECOND} messages/s for ${seconds} s (took ${tookMs} ms)`,
      `${crowd.accepted} actions accepted, ${crowd.unanswered} not; ${crowd.leaves} removals, ${crowd.joins} admissions; ended: ${JSON.stringify(ended)}`,
      `${victim.name} (pid ${pid}) ${isDead ? 'was killed' : 'IS ALIVE'} with ${orphans.length} members on it, ${moved} of whom went on elsewhere; ${cutOff} others reconnected`,
      `${memberships} memberships heard, ${endedAway} of them ended while the client was away; ${owed} events owed`,
      `strangers: ${refused} subscriptions refused; ${late === 0 ? 'everything heard' : 'not everything was heard'} ${healedMs} ms after the last request`,
    ],
    figures: {
      lost: { is: lost, wanted: 0 },
      doubled: { is: doubled, wanted: 0 },
      'out of order': { is: disordered, wanted: 0 },
      foreign: { is: foreign + overheard, wanted: 0 },
      'members that have not heard all': { is: late, wanted: 0 },
      'members without subscription': { is: unsubscribed, wanted: 0 },
      'violations in the ledger': { is: violations.length, wanted: 0 },
      'killed gateway dead': { is: Number(isDead), wanted: 1 },
      'members of it that went on': { is: moved, wanted: orphans.length },
      'requests not accepted': { is: crowd.unanswered, wanted: 0 },
    },
  };
}

/** Signal 0 only asks. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
