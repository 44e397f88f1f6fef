import { describe, expect, it } from 'vitest';
import type { UnfinishedRow } from '#ledger';
import { runnableOf } from './runnable.ts';
import { sortOut } from './sort-out.ts';

const row = (id: string, given: Partial<UnfinishedRow> = {}): UnfinishedRow =>
  ({
    id,
    seq: Number(id.slice(1)),
    resource_id: 'a',
    parent_id: null,
    status: 'pending',
    delayed: false,
    overdue: false,
    ...given,
  }) as UnfinishedRow;

it('what was performed is held on to while something before it, that came to light later, is being performed', () => {
  const rows = [row('a1'), row('a2', { status: 'running', delayed: true })];
  const [locked, performed] = [new Set(['a']), new Set(['a2'])];
  const runnable = runnableOf(rows, locked, performed);
  // The first was started in this transaction, so the second could not be applied.
  runnable.stops.set('a', 'followed');
  const sorted = sortOut([['a2', 'a']], locked, rows, runnable, { mostEach: 4, done: new Set(['a1']), performed });
  expect(sorted).toEqual({ blocked: [['a2', 'a']], more: [], leased: [], known: [], next: [] });
});

it('what was performed is held on to also where so much came to light before it that it was not read', () => {
  const rows = [row('a1'), row('a3')];
  const [locked, performed] = [new Set(['a']), new Set(['a2', 'a4'])];
  const inLine = { has: (id: string) => performed.has(id), seqOf: (id: string) => Number(id.slice(1)) };
  const runnable = { left: [], stops: new Map([['a', 'followed' as const]]) };
  const entries = [...performed].map((id) => [id, 'a'] as const);
  const sorted = sortOut(entries, locked, rows, runnable, { mostEach: 2, done: new Set(['a1']), performed, inLine });
  // The other one must have its end: it was cancelled, say.
  expect(sorted).toEqual({ blocked: [['a4', 'a']], more: [], leased: [], known: [['a2', 'a']], next: [] });
});

describe('an action that a ticket names', () => {
  const waits: Partial<UnfinishedRow> = { parent_id: 'p', parent_unfinished: true };
  const NOTHING = { blocked: [], more: [], leased: [], known: [], next: [] };

  /** Two of a resource are read at most; those that may run have run. */
  function sorted(named: string, rows: readonly UnfinishedRow[], locked = new Set(['a', 'p'])) {
    const own = rows.filter(({ resource_id }) => locked.has(resource_id));
    const runnable = runnableOf(own, locked);
    const done = new Set(runnable.turns.flat().map(({ id }) => id));
    return sortOut([[named, 'a']], locked, own, runnable, { mostEach: 2, done });
  }

  it('is blocked while somebody else has its resource', () => {
    expect(sorted('a1', [row('a1')], new Set())).toEqual({ ...NOTHING, blocked: [['a1', 'a']] });
  });

  it('is blocked behind one that waits for its parent, be it seen or not', () => {
    const rows = [row('a1', waits), row('a2')];
    for (const id of ['a1', 'a2', 'a9']) expect(sorted(id, rows)).toEqual({ ...NOTHING, blocked: [[id, 'a']] });
  });

  it('goes on at once when it stands too far behind to have been seen', () => {
    expect(sorted('a9', [row('a1'), row('a2')])).toEqual({ ...NOTHING, more: [['a9', 'a']] });
  });

  it('is known to have its end when it is not among the first, and these are all', () => {
    expect(sorted('a0', [row('a1')])).toEqual({ ...NOTHING, known: [['a0', 'a']] });
  });

  it('keeps its ticket for as long as somebody performs it, and not while it waits for a retry, which has its own', () => {
    const delayed = { delayed: true };
    expect(sorted('a1', [row('a1', { ...delayed, status: 'running' })])).toEqual({ ...NOTHING, leased: [['a1', 'a']] });
    expect(sorted('a1', [row('a1', delayed)])).toEqual(NOTHING);
  });

  it('is settled when it was performed, and has its end now', () => {
    const rows = [row('a1', { delayed: true, status: 'running' })];
    const [locked, performed] = [new Set(['a']), new Set(['a1'])];
    const runnable = runnableOf(rows, locked, performed);
    const options = { mostEach: 4, done: performed, performed };
    expect(sortOut([['a1', 'a']], locked, rows, runnable, options)).toEqual(NOTHING);
  });

  it('needs no ticket for its lease where this process has started to perform it', () => {
    const rows = [row('a1', { delayed: true, status: 'running' }), row('a2', { delayed: true, status: 'running' })];
    const locked = new Set(['a']);
    const inLine = { has: (id: string) => id === 'a1' || id === 'a2', seqOf: () => undefined };
    const runnable = runnableOf(rows, locked, undefined, inLine);
    runnable.stops.set('a', 'followed');
    const options = { mostEach: 4, done: new Set<string>(), inLine };
    expect(sortOut([['a2', 'a']], locked, rows, runnable, options)).toEqual(NOTHING);
  });

  it('has its ticket go on with what nobody else looks after', () => {
    expect(sorted('a1', [row('a1'), row('a2', waits)])).toEqual({ ...NOTHING, next: [['a2', 'a', 'p']] });
    expect(sorted('a1', [row('a1'), row('a2')])).toEqual({ ...NOTHING, next: [['a2', 'a']] });
    expect(sorted('a1', [row('a1')])).toEqual(NOTHING);
  });
});
