import { setImmediate as turn } from 'node:timers/promises';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ProblemError } from '#contracts';
import { Database, migrate } from '#database';
import { Ledger, LedgerHistory, ledgerMigrations, type NewAction } from '#ledger';
import type { TicketEntry, TicketQueue } from '#queue';
import { eventually, privatePostgres, testDatabase } from '#testing';
import { Acceptor } from './acceptor.ts';

const open = (url: string): Database => new Database({ url, poolSize: 4, applicationName: 'acceptor.spec' });

async function migrateAt(url: string): Promise<void> {
  const migrating = open(url);
  await migrate(migrating, ledgerMigrations);
  await migrating.onApplicationShutdown();
}

let database: Database;

beforeAll(async () => {
  const { url } = await testDatabase({ name: 'ledger.spec', migrate: migrateAt });
  database = open(url);
});

afterAll(() => database.onApplicationShutdown());

function setUp(on = database) {
  const ledger = new Ledger(on, new LedgerHistory(on));
  const add = vi.fn<(name: string, entries: readonly TicketEntry[]) => Promise<boolean>>(() => Promise.resolve(true));
  const acceptor = new Acceptor(ledger, { add } as unknown as TicketQueue);
  return { ledger, add, acceptor, accept: vi.spyOn(ledger, 'accept') };
}

function newAction(given: Partial<NewAction> = {}): NewAction {
  return {
    id: uuidv7(),
    owner: 'alice',
    type: 'messages.create',
    resourceId: uuidv4(),
    payload: { text: 'hello' },
    ttlSeconds: 60,
    ...given,
  };
}

/** Ends the statement that waits for a lock. */
const CANCEL_WAITING = `
select pg_cancel_backend(pid) as cancelled from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'`;

async function recorded(actions: readonly NewAction[]): Promise<string[]> {
  const ids = actions.map(({ id }) => id);
  const rows = await database.query<{ id: string }>('select id from actions where id = any($1) order by seq', [ids]);
  return rows.map(({ id }) => id);
}

describe('Acceptor', () => {
  it('records the actions of one moment together, in their order, and asks for their tickets together', async () => {
    const { acceptor, accept, add } = setUp();
    const actions = Array.from({ length: 120 }, () => newAction());
    const answers = await Promise.all(actions.map((action) => acceptor.accept(action)));
    expect(answers.map(({ action, replayed }) => [action.id, replayed])).toEqual(actions.map(({ id }) => [id, false]));
    expect(await recorded(actions)).toEqual(actions.map(({ id }) => id));
    expect(accept).toHaveBeenCalledTimes(1);
    expect(add.mock.calls).toEqual([['messages.create', actions.map(({ id, resourceId }) => [id, resourceId])]]);
  });

  it('asks for one ticket entry for what one owner does to a resource in one moment: those behind follow', async () => {
    const { acceptor, add } = setUp();
    const resourceId = uuidv4();
    const owners = ['alice', 'alice', 'bob', 'alice'];
    const actions = owners.map((owner) => newAction({ resourceId, owner }));
    await Promise.all(actions.map((action) => acceptor.accept(action)));
    const named = [actions[0]!.id, actions[2]!.id];
    expect(add.mock.calls).toEqual([['messages.create', named.map((id) => [id, resourceId])]]);
    expect(await recorded(actions)).toHaveLength(4);
  });

  it('answers when the action is committed, and waits for no ticket', async () => {
    const { acceptor, add } = setUp();
    add.mockReturnValue(new Promise(() => undefined));
    const action = newAction();
    await acceptor.accept(action);
    expect(await recorded([action])).toEqual([action.id]);
  });

  it('asks for the ticket when the action is committed, and answers when it is on the disk', async () => {
    const { acceptor, accept, ledger, add } = setUp();
    const disk = Promise.withResolvers<void>();
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce(async (actions, onVisible) => {
      const accepted = await write(actions, onVisible);
      await disk.promise;
      return accepted;
    });
    const action = newAction();
    let isAnswered = false;
    const answer = acceptor.accept(action).finally(() => (isAnswered = true));
    await eventually(() =>
      expect(add).toHaveBeenCalledExactlyOnceWith('messages.create', [[action.id, action.resourceId]]),
    );
    expect(isAnswered).toBe(false);
    disk.resolve();
    await answer;
    expect(add).toHaveBeenCalledOnce();
  });

  it('has no two flushes with one resource under way, so that its actions keep their order', async () => {
    const { acceptor, accept, ledger } = setUp();
    const resourceId = uuidv4();
    const [first, second, stranger] = [newAction({ resourceId }), newAction({ resourceId }), newAction()];
    const slow = Promise.withResolvers<void>();
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce(async (actions) => {
      await slow.promise;
      return write(actions);
    });
    const answers = [acceptor.accept(first)];
    await turn();
    await turn();
    answers.push(acceptor.accept(second));
    await acceptor.accept(stranger);
    expect(accept.mock.calls.map(([actions]) => actions.map(({ id }) => id))).toEqual([[first.id], [stranger.id]]);
    slow.resolve();
    await Promise.all(answers);
    expect(await recorded([first, second])).toEqual([first.id, second.id]);
  });

  it('has two flushes under way at most, the second once the first has been alone for a moment', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { acceptor, accept } = setUp();
    accept.mockReturnValue(new Promise(() => undefined));
    const flushesAfter = async (milliseconds: number): Promise<number> => {
      void acceptor.accept(newAction());
      await vi.advanceTimersByTimeAsync(milliseconds);
      return accept.mock.calls.length;
    };
    expect(await flushesAfter(0)).toBe(1);
    expect(await flushesAfter(9)).toBe(1);
    expect(await flushesAfter(2)).toBe(2);
    expect(await flushesAfter(1_000)).toBe(2);
  });

  it('does not record what has a parent beside the flush which records that', async () => {
    const { acceptor, accept, ledger } = setUp();
    const parent = newAction();
    const child = newAction({ parentId: parent.resourceId });
    const slow = Promise.withResolvers<void>();
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce(async (actions) => {
      await slow.promise;
      return write(actions);
    });
    const answers = [acceptor.accept(parent)];
    await turn();
    await turn();
    answers.push(acceptor.accept(child));
    await turn();
    await turn();
    expect(accept).toHaveBeenCalledTimes(1);
    slow.resolve();
    await Promise.all(answers);
    expect(await recorded([child, parent])).toEqual([parent.id, child.id]);
  });

  it('does not record what stands behind one that waits for its parent to be recorded', async () => {
    const { acceptor, accept, ledger } = setUp();
    const parent = newAction();
    const child = newAction({ parentId: parent.resourceId });
    const edit = newAction({ type: 'messages.edit', resourceId: child.resourceId });
    const slow = Promise.withResolvers<void>();
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce(async (actions) => {
      await slow.promise;
      return write(actions);
    });
    const answers = [acceptor.accept(parent)];
    await eventually(() => expect(accept).toHaveBeenCalledOnce());
    answers.push(acceptor.accept(child), acceptor.accept(edit));
    // A stranger's that came later is recorded: they have had their chance.
    await acceptor.accept(newAction());
    expect(await recorded([child, edit])).toEqual([]);
    slow.resolve();
    await Promise.all(answers);
    expect(await recorded([edit, child, parent])).toEqual([parent.id, child.id, edit.id]);
  });

  it('refuses a row that cannot be recorded without its neighbours', async () => {
    const { acceptor } = setUp();
    const [before, bad, after] = [newAction(), newAction({ resourceId: 'no uuid' }), newAction()];
    const answers = await Promise.allSettled([before, bad, after].map((action) => acceptor.accept(action)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await recorded([before, after])).toEqual([before.id, after.id]);
  });

  it('does not wait for each of the neighbours when the ledger is lost meanwhile', async () => {
    const { acceptor, accept, ledger } = setUp();
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce((actions) => write(actions)).mockImplementationOnce((actions) => write(actions));
    accept.mockRejectedValue(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
    const actions = [newAction(), newAction(), newAction({ resourceId: 'no uuid' }), newAction()];
    const answers = await Promise.allSettled(actions.map((action) => acceptor.accept(action)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
    const refused = answers.slice(1).map((answer) => (answer as PromiseRejectedResult).reason as ProblemError);
    expect(refused.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    // All together, the first, and the one that was lost.
    expect(accept).toHaveBeenCalledTimes(3);
  });

  it('answers a key that was used for the same request with the first answer', async () => {
    const { acceptor, add } = setUp();
    const idempotency = { key: uuidv4(), fingerprint: 'print' };
    const first = await acceptor.accept(newAction({ idempotency }));
    const again = await acceptor.accept(newAction({ idempotency }));
    expect(again).toEqual({ action: first.action, replayed: true });
    expect(add).toHaveBeenCalledTimes(1);
  });

  it('accepts one of those that bring one key in the same moment', async () => {
    const { acceptor } = setUp();
    const idempotency = { key: uuidv4(), fingerprint: 'print' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => acceptor.accept(newAction({ idempotency }))));
    expect(new Set(answers.map(({ action }) => action.id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  it('refuses a key that was used for another request', async () => {
    const { acceptor } = setUp();
    const key = uuidv4();
    await acceptor.accept(newAction({ idempotency: { key, fingerprint: 'print' } }));
    const other = acceptor.accept(newAction({ idempotency: { key, fingerprint: 'other' } }));
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('has all try again that were recorded together and took too long, and does not take as long once more', async () => {
    const { acceptor, accept } = setUp();
    const key = uuidv4();
    const answers = await database.transaction(async (sql) => {
      await sql.query(
        `insert into idempotency_keys (owner, key, fingerprint, action_id, cursor_offset, cursor_check)
         values ('alice', $1, 'print', $2, 0, '')`,
        [key, uuidv7()],
      );
      const actions = [newAction(), newAction({ idempotency: { key, fingerprint: 'print' } })];
      const answering = Promise.allSettled(actions.map((action) => acceptor.accept(action)));
      await eventually(async () => expect(await database.query(CANCEL_WAITING)).toEqual([{ cancelled: true }]));
      return answering;
    });
    const refused = { status: 'rejected', reason: { code: 'UNAVAILABLE', status: 503 } };
    expect(answers).toMatchObject([refused, refused]);
    expect(accept).toHaveBeenCalledOnce();
  });

  it('does not ask what became of an action that Postgres never got', async () => {
    const nowhere = open('postgres://tidings@127.0.0.1:1/tidings');
    try {
      const { acceptor, ledger } = setUp(nowhere);
      const acceptedBefore = vi.spyOn(ledger, 'acceptedBefore');
      await expect(acceptor.accept(newAction())).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503 });
      expect(acceptedBefore).not.toHaveBeenCalled();
    } finally {
      await nowhere.onApplicationShutdown();
    }
  });

  it('has only so many stand in line for a ledger that is slow', async () => {
    const { acceptor, accept } = setUp();
    accept.mockReturnValue(new Promise(() => undefined));
    const action = newAction();
    for (let count = 0; count < 10_000; count += 1) void acceptor.accept(action);
    await expect(acceptor.accept(action)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      options: { retryAfterSeconds: 1 },
    });
  });

  it('finds out what became of an action when the answer of Postgres is lost', async () => {
    const { acceptor, accept, ledger, add } = setUp();
    const lost = new Error('Connection terminated unexpectedly');
    const write = Ledger.prototype.accept.bind(ledger);
    accept.mockImplementationOnce(async (actions) => {
      await write(actions);
      throw lost;
    });
    const action = newAction();
    expect((await acceptor.accept(action)).action).toMatchObject({ id: action.id, status: 'pending' });
    expect(add).toHaveBeenCalledTimes(1);

    accept.mockRejectedValueOnce(lost);
    await expect(acceptor.accept(newAction())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('does not wait for a ledger that hangs, and has nobody stand in line for it', async () => {
    const { acceptor, accept, ledger } = setUp();
    const resourceId = uuidv4();
    const reread = Promise.withResolvers<never>();
    const acceptedBefore = vi.spyOn(ledger, 'acceptedBefore').mockReturnValueOnce(reread.promise);
    acceptedBefore.mockReturnValue(new Promise(() => undefined));
    accept.mockRejectedValueOnce(new Error('Connection terminated unexpectedly'));
    const unavailable = { code: 'UNAVAILABLE', options: { retryAfterSeconds: 2 } };
    const answered: string[] = [];
    const submit = async (name: string, action = newAction({ resourceId })): Promise<void> => {
      await expect(acceptor.accept(action)).rejects.toMatchObject(unavailable);
      answered.push(name);
    };

    const lost = submit('lost');
    await eventually(() => expect(acceptedBefore).toHaveBeenCalledOnce());
    const behind = submit('behind it');
    reread.reject(new Error('Connection terminated unexpectedly'));
    await behind;
    await submit('late', newAction());
    await lost;
    expect(answered).toEqual(['behind it', 'late', 'lost']);
    expect(accept).toHaveBeenCalledOnce();
    expect(await acceptor.accept(newAction({ resourceId }))).toMatchObject({ replayed: false });
  });

  it('says that it is unavailable while Postgres is away, and accepts again afterwards', async () => {
    const server = await privatePostgres();
    await migrateAt(server.url);
    const away = open(server.url);
    try {
      const { acceptor, add } = setUp(away);
      await acceptor.accept(newAction());
      await server.kill();
      // Its children notice a moment later, and may still commit.
      await eventually(() => expect(acceptor.accept(newAction())).rejects.toBeInstanceOf(ProblemError));
      const enqueued = add.mock.calls.length;
      const refused = await Promise.allSettled([newAction(), newAction()].map((action) => acceptor.accept(action)));
      for (const answer of refused) {
        const { reason } = answer as PromiseRejectedResult;
        expect(reason).toBeInstanceOf(ProblemError);
        expect(reason).toMatchObject({ code: 'UNAVAILABLE', status: 503 });
      }
      expect(add).toHaveBeenCalledTimes(enqueued);
      await server.start();
      // A connection of before may be met first, whose end was not noticed yet.
      const accepted = await eventually(() => acceptor.accept(newAction()));
      expect(accepted).toMatchObject({ replayed: false });
    } finally {
      await away.onApplicationShutdown();
    }
  });
});
