import { isEvicted, evictionOf, ROOM_MEMBER_ADDED, roomChannel } from '#contracts';
import type { CrowdMember } from './crowd-member.ts';

/** An event of a room, as the ledger has it. */
export interface RoomEvent {
  channel: string;
  offset: number;
  type: string;
  data: unknown;
}

/** After `from`, up to and including `to`. */
export interface Span {
  from: number;
  to: number;
  isOver: boolean;
}

/** What members heard, compared with what they were entitled to. */
export interface Judgement {
  /** Events that had to be heard: the sum over all members. */
  owed: number;
  lost: number;
  doubled: number;
  disordered: number;
  /** Heard by who was no member then. */
  foreign: number;
  /** Members at the end who do not hear their room. */
  unsubscribed: number;
  /** Hearings that ended because the membership did while the client was away: it gets no replay. */
  endedAway: number;
  /** Memberships of which the client heard something. */
  memberships: number;
}

interface Queries {
  query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
}

/** Reads the events of rooms, by room. */
export async function readRooms(ledger: Queries, roomIds: readonly string[]): Promise<Map<string, RoomEvent[]>> {
  const rows = await ledger.query<RoomEvent>(
    `select channel, "offset"::integer as "offset", type, data from events where channel = any($1) order by channel, "offset"`,
    [roomIds.map(roomChannel)],
  );
  return Map.groupBy(rows, ({ channel }) => channel);
}

/** The memberships of a user: from the event that admits, to the one that ends it, which is the user's still. */
export function membershipsOf(userId: string, events: readonly RoomEvent[]): Span[] {
  const spans: Span[] = [];
  let from: number | undefined;
  for (const event of events) {
    const { userId: member, creator } = event.data as { userId?: string; creator?: string };
    if (event.type === 'room.created' && creator === userId) from = event.offset;
    else if (event.type === ROOM_MEMBER_ADDED && member === userId) from = event.offset;
    else if (from !== undefined && isEvicted(evictionOf(event), userId)) {
      spans.push({ from, to: event.offset, isOver: true });
      from = undefined;
    }
  }
  if (from !== undefined) spans.push({ from, to: events.at(-1)!.offset, isOver: false });
  return spans;
}

/** Whether a member at the end has heard its room to the end; others have nothing to wait for. */
export function isCaughtUp(member: CrowdMember, events: readonly RoomEvent[]): boolean {
  const last = membershipsOf(member.userId, events).at(-1);
  if (!last || last.isOver) return member.hearing === undefined;
  return member.hearing !== undefined && (member.hearing.offsets.at(-1) ?? member.hearing.from) >= last.to;
}

/** Compares what was heard with the ledger. */
export function judge(members: readonly CrowdMember[], rooms: ReadonlyMap<string, RoomEvent[]>): Judgement {
  const sum: Judgement = {
    owed: 0,
    lost: 0,
    doubled: 0,
    disordered: 0,
    foreign: 0,
    unsubscribed: 0,
    endedAway: 0,
    memberships: 0,
  };
  for (const member of members) {
    const spans = membershipsOf(member.userId, rooms.get(roomChannel(member.roomId)) ?? []);
    const isEntitled = (offset: number): boolean => spans.some(({ from, to }) => offset > from && offset <= to);
    const { heard } = member;
    sum.foreign += heard.filter((offset) => !isEntitled(offset)).length;
    sum.doubled += heard.length - new Set(heard).size;
    sum.disordered += heard.filter((offset, index) => index > 0 && offset < heard[index - 1]!).length;
    for (const span of spans) judgeSpan(member, span, sum);
    const isMember = spans.at(-1)?.isOver === false;
    if (isMember && !member.hearing) sum.unsubscribed += 1;
  }
  return sum;
}

/** From where the client first heard it to its end, or, when it ended while the client was away, to where that was. */
function judgeSpan({ hearings, heard }: CrowdMember, { from, to, isOver }: Span, sum: Judgement): void {
  const own = hearings.filter((hearing) => hearing.from >= from && (isOver ? hearing.from < to : true));
  const [first] = own;
  if (!first) return;
  sum.memberships += 1;
  const isAway = isOver && own.at(-1)!.end === 'away';
  if (isAway) sum.endedAway += 1;
  const inIt = heard.filter((offset) => offset > first.from && offset <= to);
  const last = isAway ? Math.max(first.from, ...inIt) : to;
  sum.owed += last - first.from;
  sum.lost += last - first.from - new Set(inIt.filter((offset) => offset <= last)).size;
}
