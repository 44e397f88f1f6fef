import { beforeEach, describe, expect, it } from 'vitest';
import type { Sql, Transaction } from '#database';
import type { Ending, UnfinishedRow } from '#ledger';
import { HandlerError } from './handlers.ts';
import { applyIsolated } from './isolated.ts';

const rows = Array.from('abcdefgh', (id) => ({ id, type: 'notes.edit' }) as UnfinishedRow);
const ids = (of: readonly Pick<UnfinishedRow, 'id'>[]): string => of.map(({ id }) => id).join('');

/** What was tried together, in its order. */
const tried: string[] = [];

/** What each of them throws, if anything. */
const errors = new Map<string, Error>();

const sql = { savepoint: (work: (inner: Sql) => Promise<Ending[]>) => work({} as Sql) } as Transaction;

beforeEach(() => {
  tried.length = 0;
  errors.clear();
});

async function isolated() {
  const { endings, failed } = await applyIsolated(sql, rows, (_, part) => {
    tried.push(ids(part));
    const failing = part.find(({ id }) => errors.has(id));
    if (failing) return Promise.reject(errors.get(failing.id)!);
    return Promise.resolve(part.map((row) => ({ row, status: 'succeeded', attempts: 1, response: null, error: null })));
  });
  return { ended: ids(endings.map(({ row }) => row)), failed: failed.map((error) => [ids(error.rows), error.reason]) };
}

const ofHandler = (why: unknown): Error => new HandlerError(rows, why);

describe('actions of which some fail', () => {
  it('are tried together first', async () => {
    expect(await isolated()).toEqual({ ended: 'abcdefgh', failed: [] });
    expect(tried).toEqual(['abcdefgh']);
  });

  it('are told apart in halves, each failure with its own reason', async () => {
    errors.set('b', ofHandler('one')).set('h', ofHandler('two'));
    const failed = [
      ['b', 'one'],
      ['h', 'two'],
    ];
    expect(await isolated()).toEqual({ ended: 'acdefg', failed });
    expect(tried).toEqual(['abcdefgh', 'abcd', 'ab', 'a', 'b', 'cd', 'efgh', 'ef', 'gh', 'g', 'h']);
  });

  it.each([
    ['takes too long', ofHandler(new DOMException('too long', 'TimeoutError'))],
    ['meets a conflict', new Error('deadlock')],
  ])('are given up on together when one %s: none of them has failed', async (_, error) => {
    errors.set('b', ofHandler('one')).set('c', error);
    await expect(isolated()).rejects.toBe(error);
    expect(tried).toEqual(['abcdefgh', 'abcd', 'ab', 'a', 'b', 'cd']);
  });
});
