import type { Cluster } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually, privateCluster } from '#testing';
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

describe('a connection to a cluster', { timeout: 120_000 }, () => {
  it('goes on at other addresses of its URL when none of the old ones is left, and so does its duplicate', async () => {
    const [old, young] = await Promise.all([privateCluster(), privateCluster()]);
    const url = `${old.url},${young.url.slice('redis-cluster://'.length)}`;
    await young.kill('SIGSTOP');
    const patient = connect(url, { name: 'patient' });
    const blocking = (patient as Cluster).duplicate();
    connections.push(blocking);
    const fast = connect(url, { name: 'fast', deadlineMs: 1_000, gathersWrites: true });
    for (const connection of [patient, blocking, fast])
      await eventually(() => connection.set('{where}', 'old'), PATIENT);
    await old.kill();
    await expect(fast.get('{where}')).rejects.toBeInstanceOf(Error);
    await young.kill('SIGCONT');
    for (const connection of [patient, blocking, fast])
      await eventually(async () => expect(await connection.get('{where}')).toBeNull(), PATIENT);
  });

  it('presents user and password to every node', async () => {
    const cluster = await privateCluster();
    for (const { url } of cluster.servers) {
      const admin = connect(url, { name: 'admin' });
      await admin.call('ACL', 'SETUSER', 'tidings', 'on', '>p@ss', '~*', '&*', '+@all');
      await admin.call('ACL', 'SETUSER', 'default', 'resetpass', '>other');
    }
    const url = cluster.url.replace('://', '://tidings:p%40ss@');
    const connection = connect(url, { name: 'acl', deadlineMs: 1_000 });
    const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
    await eventually(() => Promise.all(keys.map((key) => connection.set(key, 'set'))), PATIENT);
    expect(await Promise.all(keys.map((key) => connection.get(key)))).toEqual(keys.map(() => 'set'));
    const stranger = connect(cluster.url, { name: 'stranger', deadlineMs: 1_000 });
    await expect(eventually(() => stranger.get('key 1'), { timeoutMs: 2_000 })).rejects.toBeInstanceOf(Error);
  });
});
