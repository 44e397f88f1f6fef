import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { UnfinishedRow } from '#ledger';
import { HandlerError } from './handlers.ts';
import { Free, handOver, hasTicket, Results, unnamed, type Held } from './held.ts';
import { Lines } from './lines.ts';
import { LapsedError, type Performer } from './performer.ts';

/** What was begun: `a2 1` is the first attempt of the second action on resource `a`. */
const begun: string[] = [];
const works = new Map<string, PromiseWithResolvers<unknown>>();
const leases = new Set<string>();
const calledOff = new Set<string>();
const pauses: number[] = [];
let whilePaused: () => void = () => undefined;

const performer = {
  hold: (id: string) => leases.add(id),
  holds: (id: string) => leases.has(id),
  release: (id: string) => leases.delete(id),
  callOff: (id: string) => calledOff.add(id),
  isCalledOff: (id: string) => calledOff.has(id),
  perform: ({ id }: UnfinishedRow, attempt: number) => {
    begun.push(`${id} ${attempt}`);
    const work = Promise.withResolvers<unknown>();
    works.set(id, work);
    return work.promise;
  },
  pause: (_: string, ms: number) => {
    pauses.push(ms);
    whilePaused();
    return Promise.resolve();
  },
} as unknown as Performer;

/** What followed: `a1 performed`, `a1 performed alone`, `a1 failed`, or `a1 lapsed`. */
const followed: string[] = [];
const retry = vi.fn<(error: HandlerError) => Promise<number | undefined>>();
let lines: Lines;

beforeEach(() => {
  for (const known of [leases, calledOff, works]) known.clear();
  for (const list of [begun, followed, pauses]) list.length = 0;
  whilePaused = () => undefined;
  retry.mockReset().mockResolvedValue(undefined);
  const follow = (what: string) => (held: Held) => void followed.push(`${held.entry[0]} ${what}`);
  lines = new Lines(performer, {
    performed: (held, isAlone) => follow(isAlone ? 'performed alone' : 'performed')(held),
    retry,
    failed: (_, held) => follow('failed')(held),
    lapsed: follow('lapsed'),
  });
});

const rowOf = (id: string, attempts = 0): UnfinishedRow =>
  ({ id, resource_id: id.slice(0, 1), seq: Number(id.slice(1)), attempts }) as UnfinishedRow;

const heldOf = (id: string, settle: () => void = vi.fn<() => void>()): Held => ({
  ...unnamed([id, id.slice(0, 1)]),
  settle,
});

/** Puts actions in line, each with a ticket. */
const add = (...ids: readonly string[]): Held[] =>
  ids.map((id) => {
    const held = heldOf(id);
    lines.add(rowOf(id), held);
    return held;
  });

/** Ends what is being performed of an action, and lets what follows happen. */
async function end(id: string, error?: Error): Promise<void> {
  if (error) works.get(id)!.reject(error);
  else works.get(id)!.resolve(`result of ${id}`);
  await turn();
}

describe('actions in line', () => {
  it('are performed one after another, those of other resources meanwhile', async () => {
    add('a1', 'a2', 'b1');
    expect(begun).toEqual(['a1 1', 'b1 1']);
    await end('a1');
    expect(begun).toEqual(['a1 1', 'b1 1', 'a2 1']);
    await end('b1');
    expect(followed).toEqual(['a1 performed', 'b1 performed']);
  });

  it('have their results in their hands, or what they threw', async () => {
    const [first, second] = add('a1', 'a2') as [Held, Held];
    await end('a1');
    const error = new HandlerError([rowOf('a2')], new Error('not today'));
    await end('a2', error);
    const results = new Results([first, second]);
    expect([results.get('a1'), results.get('a2')]).toEqual(['result of a1', error]);
  });

  it('come to be applied together, when those are settled that came before', async () => {
    const [first] = add('a1', 'a2', 'a3', 'a4') as [Held];
    for (const id of ['a1', 'a2', 'a3']) await end(id);
    expect(followed).toEqual(['a1 performed']);
    lines.leave(first);
    lines.goOn('a');
    expect(followed).toEqual(['a1 performed', 'a2 performed', 'a3 performed']);
    await end('a4');
    expect(followed).toHaveLength(3);
  });

  it('fail at once with nothing before them, and nothing behind them begins', async () => {
    add('a1', 'a2');
    await end('a1', new HandlerError([rowOf('a1')], new Error('not today')));
    expect(followed).toEqual(['a1 failed']);
    expect(begun).toEqual(['a1 1']);
  });

  it('are tried again with the number of the attempt, and applied with others then', async () => {
    add('a1');
    retry.mockResolvedValueOnce(7).mockResolvedValueOnce(70);
    await end('a1', new Error('not today'));
    await end('a1', new Error('not today'));
    expect(retry.mock.calls.map(([{ rows }]) => rows)).toMatchObject([[{ attempts: 0 }], [{ attempts: 1 }]]);
    expect([begun, pauses]).toEqual([
      ['a1 1', 'a1 2', 'a1 3'],
      [7, 70],
    ]);
    expect(lines.failuresOf('a1')).toBe(2);
    await end('a1');
    expect(followed).toEqual(['a1 performed']);
  });

  it('are applied alone when they failed before they came here', async () => {
    lines.add(rowOf('a1', 1), heldOf('a1'));
    await end('a1');
    expect(followed).toEqual(['a1 performed alone']);
  });

  it('are not tried again when they are called off', async () => {
    add('a1');
    retry.mockResolvedValue(1);
    calledOff.add('a1');
    await end('a1', new Error('took too long'));
    expect(retry).not.toHaveBeenCalled();
    expect(followed).toEqual(['a1 failed']);
  });

  it('are left to others when their lease may be over before they have begun: that is no attempt', async () => {
    add('a1', 'a2');
    await end('a1', new LapsedError('its lease is over'));
    expect([followed, retry.mock.calls]).toEqual([['a1 lapsed', 'a2 lapsed'], []]);
  });

  it('are left to others when their lease may be over before they are tried again', async () => {
    add('a1', 'a2', 'a3');
    await end('a1');
    retry.mockResolvedValue(1);
    whilePaused = () => leases.delete('a2');
    await end('a2', new Error('not today'));
    // The first can still be applied.
    expect(followed).toEqual(['a1 performed', 'a2 lapsed', 'a3 lapsed']);
    expect(['a1', 'a2', 'a3'].map((id) => lines.has(id))).toEqual([true, false, false]);
    expect([...leases]).toEqual(['a1']);
  });

  it('have no lease any more when they are settled, and leave room for those behind', async () => {
    const [first] = add('a1', 'a2') as [Held, Held];
    await end('a1');
    lines.leave(first);
    expect([lines.has('a1'), lines.has('a2'), [...leases]]).toEqual([false, true, ['a2']]);
    await end('a2');
    expect(followed).toEqual(['a1 performed', 'a2 performed']);
    expect([...calledOff]).toEqual([]);
    lines.goOn('a');
    expect(followed).toHaveLength(2);
  });
});

describe('a line that is cut', () => {
  it('leaves nothing to those behind the first: no lease, no result, no ticket', async () => {
    const [first, second, third] = add('a1', 'a2', 'a3') as [Held, Held, Held];
    await end('a1');
    await end('a2');
    await end('a3');
    const results = new Results([first, second, third]);
    const settles = [first.settle, second.settle, third.settle];
    expect(await lines.cut(first)).toEqual({ ours: ['a2', 'a3'], lapsed: [] });
    expect(['a1', 'a2', 'a3'].map((id) => lines.has(id))).toEqual([false, false, false]);
    expect([...leases]).toEqual([]);
    expect(['a1', 'a2', 'a3'].map((id) => results.has(id))).toEqual([true, false, false]);
    expect([first.isVoid, second.isVoid, third.isVoid]).toEqual([undefined, true, true]);
    second.settle();
    third.settle();
    for (const settle of settles) expect(settle).not.toHaveBeenCalled();
    first.settle();
    for (const settle of settles) expect(settle).toHaveBeenCalledTimes(1);
  });

  it('waits until nobody performs there, who is told to stop', async () => {
    const [first, second] = add('a1', 'a2') as [Held, Held];
    await end('a1');
    let isOver = false;
    const cut = lines.cut(first).finally(() => (isOver = true));
    await turn();
    expect([[...calledOff], isOver]).toEqual([['a2'], false]);
    await end('a2');
    expect(await cut).toEqual({ ours: ['a2'], lapsed: [] });
    // It was too late to be of use.
    expect(second.performed).toBeUndefined();
    expect(followed).toEqual(['a1 performed']);
  });

  it('leaves those to others whose lease may be over, with tickets of their own', async () => {
    const [first, second, third] = add('a1', 'a2', 'a3') as [Held, Held, Held];
    const settles = [first.settle, second.settle, third.settle].map((settle) => vi.mocked(settle));
    const settled = (): number[] => settles.map(({ mock }) => mock.calls.length);
    await end('a1');
    leases.delete('a2');
    const cut = lines.cut(first);
    await end('a2');
    const { ours, lapsed } = await cut;
    expect([ours, lapsed.map(({ entry }) => entry)]).toEqual([['a3'], [['a2', 'a']]]);
    expect([second.isVoid, third.isVoid]).toEqual([true, true]);
    first.settle();
    expect(settled()).toEqual([1, 0, 1]);
    lapsed[0]!.settle();
    expect(settled()).toEqual([1, 1, 1]);
  });

  it('counts no attempt of those behind the first', async () => {
    const [first] = add('a1', 'a2') as [Held, Held];
    await end('a1');
    const cut = lines.cut(first);
    await end('a2', new Error('withdrawn'));
    await cut;
    expect(retry).not.toHaveBeenCalled();
    expect(followed).toEqual(['a1 performed']);
  });
});

describe('the ticket of one that is settled', () => {
  it('is done when nothing is left of its line, or another keeps one for it', async () => {
    expect(lines.keep(heldOf('a1'))).toBe(false);
    const [second] = add('a2') as [Held];
    expect(lines.keep(heldOf('a1'))).toBe(false);
    await end('a2');
    lines.leave(second);
    expect(lines.keep(heldOf('a1'))).toBe(false);
  });

  it('is kept until the last of those is settled which have none', () => {
    const settle = vi.fn<() => void>();
    const [second, third] = [unnamed(['a2', 'a']), unnamed(['a3', 'a'])];
    lines.add(rowOf('a2'), second);
    lines.add(rowOf('a3'), third);
    expect(lines.keep({ ...heldOf('a1', settle), starts: 2 })).toBe(true);
    second.settle();
    expect(settle).not.toHaveBeenCalled();
    third.settle();
    expect(settle).toHaveBeenCalledTimes(1);
    // It counts as often as its tickets have been started.
    expect(third.starts).toBe(2);
  });

  it('passes from one to the next any number of times', () => {
    const settle = vi.fn<() => void>();
    let held = heldOf('a0', settle);
    for (let seq = 1; seq <= 20_000; seq += 1) {
      const next = unnamed([`a${seq}`, 'a']);
      handOver(held, next);
      held = next;
    }
    held.settle();
    expect(settle).toHaveBeenCalledTimes(1);
  });

  it('goes on with another of its resource, for which nothing was performed; by its own name it keeps its result', () => {
    const [named, first] = [heldOf('a1'), heldOf('b1')];
    for (const held of [named, first]) Object.assign(held, { performed: { result: 'copy' }, waits: 5 });
    const free = new Free([named, first]);
    expect(free.take(['b2', 'b'])).toBe(first);
    expect(first).toEqual({ ...heldOf('b2', first.settle), waits: 0 });
    expect(free.take(['a1', 'a'])).toBe(named);
    expect(named).toMatchObject({ performed: { result: 'copy' }, waits: 5 });
    expect([...free.rest()]).toEqual([]);
    expect(hasTicket(free.take(['a1', 'a']))).toBe(false);
  });
});
