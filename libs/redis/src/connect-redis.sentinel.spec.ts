import { afterAll, describe, expect, it } from 'vitest';
import { eventually, privateSentinel } from '#testing';
import { connectRedis, type RedisConnection } from './index.ts';

const PATIENT = { timeoutMs: 30_000 };

const connections: RedisConnection[] = [];

afterAll(() => {
  for (const connection of connections) connection.disconnect();
});

function connect(...[url, settings]: Parameters<typeof connectRedis>): RedisConnection {
  const connection = connectRedis(url, settings);
  connections.push(connection);
  return connection;
}

describe('a connection by Sentinels', { timeout: 120_000 }, () => {
  it('presents one password to Redis, in the database of the URL, and another one to the Sentinels', async () => {
    const redis = await privateSentinel();
    const master = await redis.masterOf();
    const admin = connect(master.url, { name: 'admin' });
    await admin.call('ACL', 'SETUSER', 'tidings', 'on', '>p@ss', '~*', '&*', '+@all');
    await admin.call('ACL', 'SETUSER', 'default', 'off');
    for (const { url } of redis.sentinels) {
      const sentinel = connect(url, { name: 'admin' });
      await sentinel.call('ACL', 'SETUSER', 'default', 'resetpass', '>watch');
    }
    const url = `${redis.url.replace('://', '://tidings:p%40ss@')}/3?sentinelPassword=watch`;
    const connection = connect(url, { name: 'acl', deadlineMs: 1_000 });
    await eventually(() => connection.set('key', 'set'), PATIENT);
    const inDatabase = connect(`${master.url.replace('://', '://tidings:p%40ss@')}/3`, { name: 'direct' });
    expect(await inDatabase.get('key')).toBe('set');
    const stranger = connect(url.replace('=watch', '=guess'), { name: 'stranger', deadlineMs: 1_000 });
    await expect(eventually(() => stranger.get('key'), { timeoutMs: 2_000 })).rejects.toBeInstanceOf(Error);
  });
});
