import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { parseRedisUrl } from '#config';
import { connectNode } from '#redis';
import { clockFinding, failure, ok, warning, type Finding } from './finding.ts';
import { isOlder } from './machine.checks.ts';

const DEADLINE_MS = 2_000;

/** Checks the server of tickets and live events: the master behind Sentinels, the first named node of a cluster. */
export async function checkRedis(url: string, isProduction: boolean): Promise<Finding[]> {
  const redis = connect(url);
  try {
    await untilReady(redis);
    const info = parseInfo(await redis.info());
    return [
      versionFinding(info),
      memoryFinding(info),
      persistenceFinding(info),
      await passwordFinding(url, isProduction),
      await clockFinding('redis clock', async () => {
        const [seconds, microseconds] = await redis.time();
        return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
      }),
    ];
  } catch (error) {
    return [failure('redis', String(error), 'start it, or correct REDIS_URL; until then events and tickets are late')];
  } finally {
    redis.disconnect();
  }
}

type Info = Readonly<Record<string, string>>;

function parseInfo(text: string): Info {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

function versionFinding({ redis_version: version = '0' }: Info): Finding {
  if (!isOlder(version, '7.0.0')) return ok('redis version', version);
  return failure('redis version', version, 'use Redis 7 or later: older ones have no sharded publish/subscribe');
}

function memoryFinding({
  maxmemory = '0',
  maxmemory_policy: policy = 'unknown',
  used_memory: used = '0',
}: Info): Finding {
  const state = `maxmemory ${maxmemory}, policy ${policy}, ${used} bytes in use`;
  if (policy !== 'noeviction') {
    return failure('redis memory', state, 'set maxmemory-policy to noeviction: it may drop tickets at will otherwise');
  }
  const isFull = Number(maxmemory) > 0 && Number(used) > 0.8 * Number(maxmemory);
  return isFull
    ? warning('redis memory', state, 'raise maxmemory: when it is full, actions wait')
    : ok('redis memory', state);
}

function persistenceFinding({
  aof_enabled: aof,
  aof_last_write_status: written,
  rdb_last_bgsave_status: saved,
}: Info): Finding {
  const advice = 'look at its disk: it cannot write';
  if (aof === '1' && written !== 'ok')
    return failure('redis persistence', 'the append-only file is not written', advice);
  if (aof === '1') return ok('redis persistence', 'append-only file');
  if (saved !== undefined && saved !== 'ok') return failure('redis persistence', 'the last snapshot failed', advice);
  return warning(
    'redis persistence',
    'no append-only file',
    'set appendonly yes: after a restart tickets are made anew from the ledger, which takes some seconds',
  );
}

async function passwordFinding(url: string, isProduction: boolean): Promise<Finding> {
  const redis = connect(url.replace(/:\/\/[^@/?#]*@/, '://'));
  try {
    await untilReady(redis);
    await redis.ping();
  } catch {
    return ok('redis password', 'strangers are refused');
  } finally {
    redis.disconnect();
  }
  const advice = 'set requirepass or ACLs, and put the password into REDIS_URL';
  const found = isProduction ? failure : warning;
  return found('redis password', 'it lets anyone in who reaches it', advice);
}

function connect(url: string): Redis {
  const { kind, addresses } = parseRedisUrl(url);
  const node = kind === 'cluster' ? { node: addresses[0] } : {};
  return connectNode(url, { name: 'tidings-doctor', silenceMs: DEADLINE_MS, ...node });
}

async function untilReady(redis: Redis): Promise<void> {
  await once(redis, 'ready', { signal: AbortSignal.timeout(DEADLINE_MS) });
}
