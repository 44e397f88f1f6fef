import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { privatePostgres, privateRedis } from './private-servers.ts';

describe('privateRedis', () => {
  it('is killed and comes back at the same address with its data', async () => {
    const server = await privateRedis({ settings: ['--appendfsync', 'always'] });
    const redis = new Redis(server.url, { retryStrategy: () => 50 });
    redis.on('error', () => {});
    try {
      await redis.set('kept', 'yes');
      const { pid } = server;
      await server.kill();
      expect(server.isRunning).toBe(false);
      await server.start();
      expect(server.pid).not.toBe(pid);
      expect(await redis.get('kept')).toBe('yes');
    } finally {
      redis.disconnect();
    }
  });
});

describe('privatePostgres', () => {
  it('is killed and comes back at the same address with its data', async () => {
    const server = await privatePostgres();
    const query = async (text: string): Promise<number | null> => {
      const client = new Client({ connectionString: server.url });
      client.on('error', () => {});
      await client.connect();
      try {
        return (await client.query(text)).rowCount;
      } finally {
        await client.end();
      }
    };
    await query('CREATE TABLE kept AS SELECT 1');
    await server.kill();
    await expect(query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.start();
    expect(await query('SELECT * FROM kept')).toBe(1);
  });
});
