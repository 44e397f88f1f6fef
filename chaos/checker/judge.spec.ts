import { describe, expect, it } from 'vitest';
import { roomChannel, userChannel } from '#contracts';
import type { Ear, History, LedgerContent, Submit } from '../history/history.ts';
import { judge } from './judge.ts';
import { tamper, TAMPERING_NAMES } from './tamper.ts';
import type { ViolationKind } from './violation.ts';

const ACTIONS_EACH = 4;
const ROOM = roomChannel('r');

/** Alice on two connections and Bob on one: each changes one resource four times, and hears the room. */
function quietRun(): { history: History; ledger: LedgerContent } {
  const history: History = { submits: [], ears: [], hearings: [], incidents: [] };
  const ledger: LedgerContent = { actions: [], events: [] };
  for (const [name, userId] of [
    ['alice 1', 'alice'],
    ['alice 2', 'alice'],
    ['bob 1', 'bob'],
  ] as const) {
    const floors = new Map([
      [userChannel(userId), 0],
      [ROOM, 0],
    ]);
    history.ears.push({ name, userId, floors });
  }
  for (let index = 0; index < ACTIONS_EACH; index += 1) {
    for (const owner of ['alice', 'bob']) act(history, ledger, owner, index);
  }
  return { history, ledger };
}

function act(history: History, ledger: LedgerContent, owner: string, index: number): void {
  const [key, id] = [`key-${owner}-${index}`, `action-${owner}-${index}`];
  const startedAt = 10 * history.submits.length;
  const submit: Submit = {
    ...{ key, owner, type: 'messages.edit', resourceId: `of-${owner}`, startedAt, tries: 1 },
    ...{ end: 'accepted', endedAt: startedAt + 5, actionIds: [id] },
  };
  history.submits.push(submit);
  ledger.actions.push({ id, owner, type: submit.type, status: 'succeeded', seq: history.submits.length, key });
  tell(history, ledger, { channel: userChannel(owner), type: 'action.succeeded', actionId: id });
  tell(history, ledger, { channel: ROOM, type: 'message.edited', actionId: id });
}

interface Told {
  channel: string;
  type: string;
  actionId: string;
}

function tell({ ears, hearings }: History, { events }: LedgerContent, { channel, type, actionId }: Told): void {
  const offset = events.filter((event) => event.channel === channel).length + 1;
  const id = `event-${channel}-${offset}`;
  events.push({ id, channel, offset, type, actionId });
  for (const ear of ears.filter(({ floors }) => floors.has(channel))) {
    const isOutcome = channel !== ROOM;
    hearings.push({ ear, channel, offset, eventId: id, type, ...(isOutcome && { actionId }), at: 1_000 });
  }
}

/** Alice's first two actions, and so they are heard. */
function applyTheOtherWayRound({ hearings }: History, { events }: LedgerContent): void {
  const [first, second] = events.filter(({ channel }) => channel === userChannel('alice'));
  [first!.actionId, second!.actionId] = [second!.actionId, first!.actionId];
  for (const { id, actionId } of [first!, second!]) {
    for (const hearing of hearings) if (hearing.eventId === id) hearing.actionId = actionId!;
  }
}

function kinds(history: History, ledger: LedgerContent): ViolationKind[] {
  return [...new Set(judge(history, ledger).map(({ kind }) => kind))];
}

describe('judge', () => {
  it('finds nothing in a history in which all is well', () => {
    const { history, ledger } = quietRun();
    expect(judge(history, ledger)).toEqual([]);
  });

  it.for(TAMPERING_NAMES)('finds what one outcome tells that is %s', (name) => {
    const { history, ledger } = quietRun();
    tamper(history, name);
    expect(judge(history, ledger).map(({ kind }) => kind)).toContain(name);
  });

  it('calls what is only late no loss, and what is only lost not reordered', () => {
    const { history, ledger } = quietRun();
    tamper(history, 'lost');
    expect(kinds(history, ledger)).toEqual(['lost']);
  });

  it('finds an event of a room that one of its members did not hear', () => {
    const { history, ledger } = quietRun();
    const index = history.hearings.findIndex(({ channel, ear }) => channel === ROOM && ear.userId === 'bob');
    history.hearings.splice(index, 1);
    expect(judge(history, ledger)).toMatchObject([{ kind: 'lost', what: expect.stringContaining('bob 1') as string }]);
  });

  it('finds an accepted action that the ledger does not have', () => {
    const { history, ledger } = quietRun();
    const { id } = ledger.actions.splice(2, 1)[0]!;
    ledger.events = ledger.events.filter(({ actionId }) => actionId !== id);
    expect(kinds(history, ledger)).toEqual(expect.arrayContaining(['lost', 'phantom', 'ambiguous']));
  });

  it('finds two outcomes of one action, and two actions of one key', () => {
    const { history, ledger } = quietRun();
    tell(history, ledger, { channel: userChannel('bob'), type: 'action.failed', actionId: 'action-bob-1' });
    ledger.actions.push({ ...ledger.actions[0]!, id: 'another' });
    tell(history, ledger, { channel: userChannel('alice'), type: 'action.failed', actionId: 'another' });
    const found = judge(history, ledger).filter(({ kind }) => kind === 'duplicated');
    expect(found.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['action action-bob-1 has 2 outcomes', 'user:alice key-alice-0 made 2 actions']),
    );
  });

  it('finds two answers to one key that name two actions', () => {
    const { history, ledger } = quietRun();
    history.submits[0]!.actionIds.push('another');
    expect(kinds(history, ledger)).toContain('duplicated');
  });

  it('finds actions on a resource that were applied against the order in which they were accepted', () => {
    const { history, ledger } = quietRun();
    applyTheOtherWayRound(history, ledger);
    expect(kinds(history, ledger)).toEqual(['reordered']);
  });

  it('does not compare what was asked for at the same time', () => {
    const { history, ledger } = quietRun();
    applyTheOtherWayRound(history, ledger);
    history.submits[0]!.endedAt = 1_000;
    expect(kinds(history, ledger)).toEqual([]);
  });

  it('finds an outcome on the channel of somebody else', () => {
    const { history, ledger } = quietRun();
    const hearing = history.hearings.find(({ ear, actionId }) => ear.userId === 'bob' && actionId !== undefined)!;
    hearing.actionId = 'action-alice-1';
    expect(kinds(history, ledger)).toContain('foreign');
  });

  it("finds outcomes that tell of each other's actions, or of another end", () => {
    const { history, ledger } = quietRun();
    const [first, second] = history.hearings.filter(({ ear, actionId }) => ear.name === 'alice 1' && actionId);
    [first!.actionId, second!.actionId] = [second!.actionId!, first!.actionId!];
    expect(judge(history, ledger).map(({ kind }) => kind)).toEqual(['phantom', 'phantom']);
    [first!.actionId, second!.actionId] = [second!.actionId, first!.actionId];
    first!.type = 'action.failed';
    expect(kinds(history, ledger)).toEqual(['phantom']);
  });

  it('finds a room that a stranger hears', () => {
    const { history, ledger } = quietRun();
    const stranger: Ear = { name: 'eve 1', userId: 'eve', floors: new Map([[userChannel('eve'), 0]]) };
    history.ears.push(stranger);
    history.hearings.push({ ...history.hearings.find(({ channel }) => channel === ROOM)!, ear: stranger });
    expect(kinds(history, ledger)).toEqual(['foreign']);
  });

  it('finds actions that were refused, or that nobody asked for', () => {
    const { history, ledger } = quietRun();
    history.submits[0]!.end = 'refused';
    const { ears, hearings, incidents } = history;
    const submits = history.submits.filter(({ key }) => key !== 'key-bob-2');
    const found = judge({ ears, hearings, incidents, submits }, ledger);
    expect(found.map(({ kind }) => kind)).toEqual(['phantom', 'phantom']);
  });

  it('takes a submit without an answer for zero actions or one, with an outcome', () => {
    const { history, ledger } = quietRun();
    history.submits[0]!.end = 'unanswered';
    history.submits.push({ ...history.submits[0]!, key: 'a-key-without-action', actionIds: [] });
    expect(judge(history, ledger)).toEqual([]);
    ledger.events = ledger.events.filter(({ actionId }) => actionId !== 'action-alice-0');
    expect(kinds(history, ledger)).toContain('ambiguous');
  });
});
