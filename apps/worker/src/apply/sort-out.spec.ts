import { expect, it } from 'vitest';
import type { UnfinishedRow } from '#ledger';
import { runnableOf } from './runnable.ts';
import { sortOut } from './sort-out.ts';

const row = (id: string, given: Partial<UnfinishedRow> = {}): UnfinishedRow =>
  ({
    id,
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
