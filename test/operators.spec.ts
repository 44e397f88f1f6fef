import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Action, Problem } from '#contracts';
import { eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';

interface Inspected extends Action {
  owner: string;
  payload: unknown;
  retryOf: string | null;
  retriedBy: string | null;
}

let system: System;
let operator: TestUser;
let ledger: LedgerCheck;

beforeAll(async () => {
  system = await startSystem({ sockets: 1, env: { MAX_ATTEMPTS: '1' } });
  operator = await system.user('operator', { scopes: ['ops'] });
  ledger = new LedgerCheck(system.database);
});

afterAll(() => ledger.close());

/** A drill that failed at its only attempt, and goes well the next time. */
async function failedOf(user: TestUser): Promise<Action> {
  const { id } = await user.submit('POST', '/v1/drills', { body: { fault: 'throw', faultyAttempts: 1 } });
  return eventually(async () => {
    const action = await user.action(id);
    expect(action).toMatchObject({ status: 'failed' });
    return action;
  });
}

async function inspect(id: string): Promise<Inspected> {
  return (await operator.call<Inspected>('GET', `/v1/ops/actions/${id}`)).body;
}

async function printed(...args: string[]): Promise<string> {
  const env = { ...process.env, API_URL: system.api.url, OPS_TOKEN: operator.token };
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/operations/ops.ts', ...args], { env });
  return stdout;
}

async function ops(...args: string[]): Promise<unknown> {
  return JSON.parse(await printed(...args));
}

describe('operators', () => {
  it('list the failed actions of all users, and see what each was about', async () => {
    const [alice, bob] = [await system.user('alice'), await system.user('bob')];
    const [ofAlice, ofBob] = [await failedOf(alice), await failedOf(bob)];
    const { body } = await operator.call<{ data: Inspected[]; next: string | null }>(
      'GET',
      '/v1/ops/actions?status=failed&limit=1',
    );
    expect(body.data.map(({ id, owner }) => ({ id, owner }))).toEqual([{ id: ofBob.id, owner: 'bob' }]);
    const rest = await operator.call<{ data: Inspected[] }>('GET', `/v1/ops/actions?status=failed&after=${body.next!}`);
    expect(rest.body.data.map(({ id }) => id)).toContain(ofAlice.id);
    expect(await inspect(ofAlice.id)).toMatchObject({
      owner: 'alice',
      payload: { fault: 'throw' },
      error: { code: 'ATTEMPTS_EXHAUSTED' },
      retriedBy: null,
    });
  });

  it('try a failed action again: as another one of its owner, once, however often they ask', async () => {
    const alice = await system.user('retry-alice');
    const listener = await alice.connect(system.sockets[0]!);
    const failed = await failedOf(alice);
    const path = `/v1/ops/actions/${failed.id}/retry`;
    const { status, body: retry } = await operator.call<AcceptedAction>('POST', path);
    expect(status).toBe(202);
    expect((await operator.call<AcceptedAction>('POST', path)).body.id).toBe(retry.id);
    const outcome = await listener.outcomeOf(retry);
    expect(outcome.data).toMatchObject({
      status: expect.stringMatching(/succeeded|failed/) as string,
      resource: failed.resource,
    });
    expect(await alice.action(failed.id)).toMatchObject({ status: 'failed' });
    expect(await inspect(failed.id)).toMatchObject({ retriedBy: retry.id });
    expect(await inspect(retry.id)).toMatchObject({ retryOf: failed.id, owner: 'retry-alice' });
  });

  it('cannot try again what succeeded, nor what is not there', async () => {
    const alice = await system.user('alice');
    const { id } = await alice.createMessage('hello');
    await eventually(async () => expect(await alice.action(id)).toMatchObject({ status: 'succeeded' }));
    for (const [path, status, code] of [
      [`/v1/ops/actions/${id}/retry`, 400, 'VALIDATION_FAILED'],
      ['/v1/ops/actions/00000000-0000-7000-8000-000000000000/retry', 404, 'NOT_FOUND'],
      ['/v1/ops/actions/nonsense/retry', 404, 'NOT_FOUND'],
    ] as const) {
      const answer = await operator.call<Problem>('POST', path);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
  });

  it('are the only ones who may', async () => {
    const alice = await system.user('alice');
    for (const [method, path] of [
      ['GET', '/v1/ops/actions'],
      ['GET', '/v1/ops/actions/00000000-0000-7000-8000-000000000000'],
      ['POST', '/v1/ops/actions/00000000-0000-7000-8000-000000000000/retry'],
      ['DELETE', '/v1/ops/users/bob'],
    ] as const) {
      expect((await alice.call<Problem>(method, path)).body.code).toBe('FORBIDDEN');
    }
  });

  it('read how, without their token beside it', async () => {
    const help = await printed('--help');
    expect(help).toContain('OPS_TOKEN');
    expect(help.replaceAll(/\s/g, '')).not.toContain(operator.token);
  });

  it('do the same from the command line', async () => {
    const failed = await failedOf(await system.user('command-line'));
    expect(await ops('list', '--owner=command-line')).toMatchObject({ data: [{ id: failed.id }], next: null });
    const retry = (await ops('retry', failed.id)) as AcceptedAction;
    expect(await ops('show', failed.id)).toMatchObject({ retriedBy: retry.id });
    await expect(ops('show', 'nonsense')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NOT_FOUND') as string,
    });
  });
});

describe('the erasure of a user', () => {
  it('takes all that they wrote, and leaves the channels of others without a hole', async () => {
    const [eve, mallory] = [await system.user('eve'), await system.user('mallory')];
    const listener = await mallory.connect(system.sockets[0]!);
    const room = await mallory.submit('POST', '/v1/rooms', { body: { name: 'ours' } });
    await mallory.submit('PUT', `/v1/rooms/${room.resource.id}/members/eve`);
    const channel = `room:${room.resource.id}`;
    await eventually(async () => {
      expect((await eve.call('GET', `/v1/rooms/${room.resource.id}`)).status).toBe(200);
    });
    const secret = 'what nobody shall know any more';
    await eve.createMessage(secret, { roomId: room.resource.id });
    const own = await eve.createMessage(secret);
    // Its error has the message as it is.
    const headers = { 'if-match': '"9"' };
    await eve.submit('PATCH', `/v1/messages/${own.resource.id}`, { body: { text: 'else' }, headers });
    await mallory.createMessage('stays', { roomId: room.resource.id });
    await eventually(async () => expect(await ledger.unfinished()).toBe(0));

    expect(await ops('erase', 'eve')).toEqual({ cancelled: 0, actions: 3, events: 2 });

    expect(await listener.socket.emitWithAck('subscribe', { channel, cursor: '0' })).toMatchObject({
      ok: true,
      recovered: true,
    });
    await eventually(() => expect(listener.events.map(({ offset }) => offset)).toEqual([2, 3, 4]));
    expect(listener.events.map(({ data }) => data)).toEqual(
      expect.arrayContaining([{ erased: true }, expect.objectContaining({ text: 'stays' })]),
    );
    for (const table of ['actions', 'events', 'messages']) {
      const rows = await ledger.query(`select from ${table} t where t::text like '%' || $1 || '%'`, [secret]);
      expect({ table, rows }).toEqual({ table, rows: [] });
    }
    expect((await ledger.report()).violations).toEqual([]);
    await eventually(async () => expect((await eve.call('GET', '/v1/messages')).status).toBe(401));
    expect(await ops('erase', 'eve')).toMatchObject({ cancelled: 0 });
  });

  it('ends what is unfinished, and blanks that too', async () => {
    const walter = await system.user('walter');
    const { id } = await walter.submit('POST', '/v1/drills', { body: { performMs: 60_000 } });
    expect(await ops('erase', 'walter')).toMatchObject({ cancelled: 1, actions: 1 });
    const rows = await ledger.query('select status, payload from actions where id = $1', [id]);
    expect(rows).toEqual([{ status: 'cancelled', payload: null }]);
  });

  it('takes the time that it needs, however much there is to read', async () => {
    const trent = await system.user('trent');
    await trent.createMessage('one of many');
    await eventually(async () => expect(await ledger.unfinished()).toBe(0));
    // As it would end, sooner or later.
    await ledger.query(`
      create function refuse_in_limited_time() returns trigger language plpgsql as $$
      begin
        if current_setting('transaction_timeout') <> '0' then
          raise exception 'terminating connection due to transaction timeout' using errcode = '25P04';
        end if;
        return coalesce(new, old);
      end $$`);
    for (const table of ['actions', 'events', 'messages']) {
      await ledger.query(`
        create trigger limited before update or delete on ${table}
        for each row execute function refuse_in_limited_time()`);
    }
    expect(await ops('erase', 'trent')).toEqual({ cancelled: 0, actions: 1, events: 0 });
  });
});
