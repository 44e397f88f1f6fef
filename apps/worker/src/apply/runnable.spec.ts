import { describe, expect, it } from 'vitest';
import type { UnfinishedRow } from '#ledger';
import { runnableOf } from './runnable.ts';

let seq = 0;

/** `a1` is an action on resource `a`. */
function row(id: string, given: Partial<UnfinishedRow> = {}): UnfinishedRow {
  seq += 1;
  return {
    id,
    seq,
    owner: 'alice',
    type: 'messages.edit',
    resource_id: id.slice(0, 1),
    parent_id: null,
    status: 'pending',
    attempts: 0,
    payload: null,
    if_match: null,
    traceparent: null,
    submitted_at: new Date(0).toISOString(),
    delayed: false,
    due_soon: false,
    overdue: false,
    parent_unfinished: false,
    ...given,
  };
}

const ids = (rows: readonly UnfinishedRow[]): string => rows.map(({ id }) => id).join(' ');

function sorted(rows: readonly UnfinishedRow[], locked = 'abcp', performed?: Set<string>, inLine?: Set<string>) {
  const { turns, overdue } = runnableOf(rows, new Set(locked), performed, inLine);
  return { turns: turns.map(ids), overdue: ids(overdue) };
}

describe('runnableOf', () => {
  it('gives the first of each resource, then the second of each', () => {
    const rows = ['a1', 'a2', 'b1', 'a3', 'c1', 'b2'].map((id) => row(id));
    expect(sorted(rows)).toEqual({ turns: ['a1 b1 c1', 'a2 b2', 'a3'], overdue: '' });
  });

  it('runs nothing behind an action that waits for its retry, and lets strangers pass', () => {
    const rows = [row('a1'), row('a2', { delayed: true }), row('b1'), row('a3')];
    expect(sorted(rows)).toEqual({ turns: ['a1 b1'], overdue: '' });
  });

  it('runs an action that this process has performed although it is leased, and those behind it', () => {
    const rows = [row('a1', { delayed: true }), row('a2'), row('b1', { delayed: true }), row('b2')];
    expect(sorted(rows, 'ab', new Set(['a1']))).toEqual({ turns: ['a1', 'a2'], overdue: '' });
  });

  it('lets others join those that this process has started to perform, and nobody whom others perform', () => {
    const rows = [row('a1', { delayed: true }), row('a2'), row('b1', { delayed: true }), row('b2')];
    expect(sorted(rows, 'ab', undefined, new Set(['a1']))).toEqual({ turns: ['a1', 'a2'], overdue: '' });
  });

  it('ends what is overdue, and runs what is behind it', () => {
    const rows = [row('a1', { overdue: true }), row('a2'), row('b1', { overdue: true, delayed: true })];
    expect(sorted(rows)).toEqual({ turns: ['a2'], overdue: 'a1 b1' });
  });

  it('lets an action wait for the unfinished one on its parent, and those behind it too', () => {
    const rows = [row('a1', { parent_id: 'p', parent_unfinished: true }), row('a2'), row('b1', { parent_id: 'p' })];
    expect(sorted(rows)).toEqual({ turns: ['b1'], overdue: '' });
  });

  it('runs nothing whose parent is not locked', () => {
    const rows = [row('a1', { parent_id: 'p' }), row('a2'), row('b1')];
    expect(sorted(rows, 'ab')).toEqual({ turns: ['b1'], overdue: '' });
  });

  it('finds nothing to do in nothing', () => {
    expect(sorted([])).toEqual({ turns: [], overdue: '' });
  });
});
