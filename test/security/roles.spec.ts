import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { SERVER_SETTINGS } from '#database';
import { eventually, privatePostgres, privateRedis, startSystem, type System } from '#testing';
import { ackOf } from '../audiences/ack.ts';
import { heardOf, newRoom } from '../rooms/room.ts';
import { EventStream } from '../delivery/event-stream.ts';

const APPS = ['api', 'worker', 'socket'] as const;
const PASSWORD = 'made-for-this-test';

let system: System;
let redis: Record<(typeof APPS)[number], string>;
let postgres: Record<(typeof APPS)[number] | 'owner' | 'superuser', string>;

const read = (name: string): Promise<string> => readFile(new URL(`../../infra/${name}`, import.meta.url), 'utf8');

function withUser(url: string, username: string): string {
  return Object.assign(new URL(url), { username, password: PASSWORD }).href;
}

/** Has the users of the template. */
async function makeUsers(url: string, prefix: string): Promise<void> {
  const admin = new Redis(url);
  const text = (await read('redis/users.acl.template'))
    .replaceAll('PREFIX', prefix)
    .replaceAll(/[A-Z]+_PASSWORD/g, PASSWORD);
  const users = text.split('\n').filter((line) => line.startsWith('user '));
  expect(users.map((line) => line.split(' ')[1])).toEqual(['default', 'health', ...APPS]);
  // The last one locks this connection out, too.
  for (const [, name, ...rules] of users.map((line) => line.split(/ +/)).toReversed()) {
    await admin.call('ACL', 'SETUSER', name!, 'reset', ...rules);
  }
  admin.disconnect();
}

/** Runs the statements of a file that is written for psql. */
async function runPsql(url: string, text: string): Promise<void> {
  const sql = text
    .replaceAll(/^\\.*$/gm, '')
    .replaceAll(/:'\w+'/g, pg.escapeLiteral(PASSWORD))
    .replaceAll(':"DBNAME"', pg.escapeIdentifier(new URL(url).pathname.slice(1)));
  await onPostgres(url, (client) => client.query(sql));
}

/** Makes the roles by the rights that a provider gives: to make roles and databases. */
async function makeRoles(superuser: string): Promise<void> {
  await runPsql(
    superuser,
    `create role provider login createrole createdb password :'password'; alter database :"DBNAME" owner to provider`,
  );
  await runPsql(withUser(superuser, 'provider'), await read('postgres/roles.sql'));
}

async function onPostgres<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  const [redisServer, postgresServer] = await Promise.all([privateRedis(), privatePostgres()]);
  await Promise.all([makeUsers(redisServer.url, 'test'), makeRoles(postgresServer.url)]);
  redis = Object.fromEntries(APPS.map((app) => [app, withUser(redisServer.url, app)])) as typeof redis;
  postgres = {
    superuser: postgresServer.url,
    ...(Object.fromEntries(
      [...APPS, 'owner'].map((name) => [name, withUser(postgresServer.url, `tidings_${name}`)]),
    ) as Omit<typeof postgres, 'superuser'>),
  };
  system = await startSystem({
    apis: 0,
    workers: 0,
    sockets: 0,
    redis: redisServer,
    postgres: { url: postgres.owner },
    // With limits: they are counted in Redis, too.
    env: { RATE_LIMIT_PER_USER: '100000', RETENTION_DAYS: '2' },
  });
  await Promise.all(APPS.map((app) => system.add(app, { REDIS_URL: redis[app], DATABASE_URL: postgres[app] })));
});

describe('apps with users and roles of their own', () => {
  it.for(APPS)('have the limits of the %s without asking for them, as behind a pooler', async (app) => {
    const settings = await onPostgres(postgres[app], async (client) => {
      const names = Object.keys(SERVER_SETTINGS);
      return client.query('select name, current_setting(name) from unnest($1::text[]) as name', [names]);
    });
    expect(
      Object.fromEntries(settings.rows.map((row: Record<string, string>) => [row['name'], row['current_setting']])),
    ).toEqual(SERVER_SETTINGS);
  });

  it('do all that they do', async () => {
    const [alice, bob] = await Promise.all([system.user('alice', { scopes: ['ops', 'announce'] }), system.user('bob')]);
    const [socket] = system.sockets;
    const [alices, bobs] = await Promise.all([alice.connect(socket!), bob.connect(socket!)]);
    const stream = await EventStream.open(socket!, { token: alice.token });

    const room = await newRoom(alice, [bob]);
    const channel = `room:${room}`;
    for (const listener of [alices, bobs])
      expect(await ackOf(listener, 'subscribe', { channel })).toMatchObject({ ok: true });
    const created = await alice.createMessage('hello', { roomId: room });
    expect(await alices.outcomeOf(created)).toMatchObject({ type: 'action.succeeded' });
    const edited = await alice.editMessage(created.resource.id, 'hello all', { 'idempotency-key': 'key-of-alice' });
    expect(await alices.outcomeOf(edited)).toMatchObject({ type: 'action.succeeded' });
    await eventually(() =>
      expect(heardOf(bobs, room)).toEqual(
        expect.arrayContaining(['message.created hello', 'message.edited hello all']),
      ),
    );
    await eventually(() => expect(stream.outcomes).toHaveLength(alices.outcomes.length));
    await eventually(async () => {
      expect(await ackOf(bobs, 'presence', { channel })).toEqual({ ok: true, users: ['alice', 'bob'] });
    });

    const said = await ackOf<{ action: { id: string } }>(bobs, 'submit', {
      type: 'messages.create',
      payload: { text: 'hi' },
    });
    if (!said.ok) throw new Error(JSON.stringify(said));
    await bobs.outcomeOf(said.action);
    expect(await ackOf(bobs, 'delivered', { cursor: bobs.outcomes.at(-1)!.cursor })).toEqual({ ok: true });
    expect(await ackOf(bobs, 'mirror', { event: 'typing', data: 1 })).toEqual({ ok: true });

    const slow = await alice.submit('POST', '/v1/drills', { body: { performMs: 30_000 } });
    expect((await alice.call('DELETE', `/v1/actions/${slow.id}`)).status).toBe(202);
    expect(await alices.outcomeOf(slow)).toMatchObject({ type: 'action.cancelled' });
    const failed = await alice.submit('POST', '/v1/drills', { body: { fault: 'throw', faultyAttempts: 1 } });
    expect(await alices.outcomeOf(failed)).toMatchObject({ type: 'action.succeeded', data: { attempts: 2 } });
    await alices.outcomeOf(
      await alice.submit('POST', '/v1/announcements', {
        body: { audience: 'everyone', title: 'News', body: 'All well' },
      }),
    );
    await eventually(() => expect(bobs.events.at(-1)).toMatchObject({ type: 'announcement' }));
    for (const path of ['/v1/stats', '/v1/messages', '/v1/rooms', '/v1/outcomes/unread', '/v1/actions']) {
      expect([path, (await alice.call('GET', path)).status]).toEqual([path, 200]);
    }
    const { body } = await alice.call<{ instances: unknown[]; queue: object }>('GET', '/v1/stats');
    expect(body.instances).toHaveLength(APPS.length);
    expect(body.queue).not.toBeNull();
    expect((await alice.call('POST', '/v1/revocations', { body: { user: 'bob' } })).status).toBeLessThan(300);
    await eventually(() => expect(bobs.goaways.at(-1)).toMatchObject({ reason: 'revoked' }));
    stream.close();
  });

  it('let operators try a failed action again, and erase a user', async () => {
    const carol = await system.user('carol', { scopes: ['ops'] });
    const failed = await carol.submit('POST', '/v1/drills', { body: { fault: 'reject' } });
    await eventually(async () => expect((await carol.action(failed.id)).status).toBe('failed'));
    expect((await carol.call('POST', `/v1/ops/actions/${failed.id}/retry`)).status).toBe(202);
    const dave = await system.user('dave');
    const { id } = await dave.createMessage('to be forgotten');
    await eventually(async () => expect((await dave.action(id)).done).toBe(true));
    const erased = await carol.call('DELETE', '/v1/ops/users/dave');
    expect([erased.status, erased.body]).toMatchObject([200, { cancelled: 0, actions: 1 }]);
    // Its read is refused too: the token is revoked.
    expect((await dave.call('GET', '/v1/messages')).status).toBe(401);
  });

  it('are healthy, and were refused nothing', async () => {
    for (const { url } of [...system.apis, ...system.workers, ...system.sockets]) {
      expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' });
    }
    const logs = [...system.apis, ...system.workers, ...system.sockets].map((app) => app.logs()).join('\n');
    expect(logs).not.toMatch(/permission denied|NOPERM|NOAUTH|must be owner/);
  });

  it('keep the days of the ledger, the worker alone', async () => {
    const work = [
      `select create_ledger_day('actions', current_date + 9, 0)`,
      'select note_ended_days()',
      'select drop_oldest_ledger_day(2)',
      'select due_at from retention_turn for update',
      // Workers of the version before.
      `select create_ledger_partitions_of('actions', 10)`,
      'select drop_oldest_ledger_partition(2)',
    ];
    for (const sql of work) await onPostgres(postgres.worker, (client) => client.query(sql));
    for (const app of ['api', 'socket'] as const) {
      for (const sql of work) {
        await expect(onPostgres(postgres[app], (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
      }
    }
  });
});

describe.each(APPS)('the user of Redis of the %s', (app) => {
  it.each([
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', '*'],
    ['SCAN', '0'],
    ['CONFIG', 'GET', '*'],
    ['ACL', 'LIST'],
    ['CLIENT', 'LIST'],
    ['SHUTDOWN'],
    ['FUNCTION', 'FLUSH'],
    ['GET', 'others:key'],
    ['SET', 'others:key', '1'],
    ['EVAL', "return redis.call('FLUSHALL')", '0'],
    ['EVAL', "return redis.call('GET', 'others:key')", '1', 'others:key'],
    ['SPUBLISH', 'others:{user:alice}', '1'],
    ['SUBSCRIBE', 'anything'],
    ['MONITOR'],
  ])('may not %s %s', async (...[command, ...args]) => {
    const client = new Redis(redis[app], { retryStrategy: null });
    client.on('error', () => undefined);
    const answer = client.call(command, ...args).finally(() => client.disconnect());
    await expect(answer).rejects.toThrow(/NOPERM|can't run this command|can't access/);
  });
});

describe('nobody without a password', () => {
  it('reaches Redis', async () => {
    const url = new URL(redis.api);
    for (const [username, password] of [
      ['', ''],
      ['api', 'wrong'],
      ['default', PASSWORD],
    ] as const) {
      const client = new Redis(Object.assign(new URL(url), { username, password }).href, {
        lazyConnect: true,
        retryStrategy: null,
      });
      client.on('error', () => undefined);
      await expect(client.connect().then(() => client.get('test:x'))).rejects.toThrow(/NOAUTH|WRONGPASS|NOPERM|closed/);
      client.disconnect();
    }
  });
});

/** Of whom it may not be done, and what. */
const FORBIDDEN: [app: (typeof APPS)[number], sql: string][] = [
  ...APPS.flatMap((app): [typeof app, string][] => [
    [app, 'create table mine (id int)'],
    [app, 'drop table actions'],
    [app, 'alter table messages add column evil text'],
    [app, 'truncate messages'],
    [app, 'create role evil'],
    [app, 'create schema evil'],
    [app, 'select * from pg_authid'],
    [app, 'update ledger set epoch = epoch'],
    [app, "select pg_read_file('/etc/passwd')"],
  ]),
  ['api', "insert into messages (id, author, text) values (gen_random_uuid(), 'alice', 'x')"],
  ['api', 'delete from messages'],
  ['api', "update rooms set creator = 'mallory'"],
  ['api', 'delete from actions'],
  ['api', 'delete from events'],
  ['api', 'delete from channel_members'],
  ['socket', 'select * from messages'],
  ['socket', 'select * from rooms'],
  ['socket', 'select * from announcements'],
  ['socket', 'update actions set owner = owner'],
  ['socket', 'delete from events'],
  ['socket', "insert into channel_members values ('room:x', 'mallory', 0, '')"],
  ['socket', 'delete from revocations'],
  ['worker', 'select * from revocations'],
  ['worker', 'delete from kysely_migration'],
];

describe('a role of Postgres', () => {
  it.each(FORBIDDEN)('of the %s may not %s', async (app, sql) => {
    await expect(onPostgres(postgres[app], (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
  });
});
