import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseRedisUrl, ProcessConfig } from './index.ts';

const LOCAL = { kind: 'standalone', isEncrypted: false, database: 0, addresses: [{ host: 'localhost', port: 6379 }] };

describe('REDIS_URL', () => {
  it.each<[url: string, target: Partial<ReturnType<typeof parseRedisUrl>>]>([
    ['redis://localhost', {}],
    ['redis://localhost/', {}],
    ['redis://localhost:6379/0', {}],
    ['redis://localhost/7', { database: 7 }],
    ['rediss://localhost', { isEncrypted: true }],
    ['redis://:secret@localhost', { password: 'secret' }],
    ['redis://user:p%40ss%2Fword@localhost', { username: 'user', password: 'p@ss/word' }],
    ['redis://:a@b@localhost', { password: 'a@b' }],
    ['redis://[::1]:7000', { addresses: [{ host: '::1', port: 7000 }] }],
    ['redis-sentinel://localhost/main', { kind: 'sentinel', master: 'main', addresses: [at('localhost', 26379)] }],
    [
      'redis-sentinel://user:secret@a:1,b,[::1]:3/my-master.1/2?sentinelUsername=guard&sentinelPassword=s%26p',
      {
        kind: 'sentinel',
        master: 'my-master.1',
        database: 2,
        username: 'user',
        password: 'secret',
        sentinelUsername: 'guard',
        sentinelPassword: 's&p',
        addresses: [at('a', 1), at('b', 26379), at('::1', 3)],
      },
    ],
    ['rediss-sentinel://s/m', { kind: 'sentinel', master: 'm', isEncrypted: true, addresses: [at('s', 26379)] }],
    ['redis-cluster://a:7000,b', { kind: 'cluster', addresses: [at('a', 7000), at('b', 6379)] }],
    ['redis-cluster://:secret@a/0', { kind: 'cluster', password: 'secret', addresses: [at('a', 6379)] }],
    ['rediss-cluster://a', { kind: 'cluster', isEncrypted: true, addresses: [at('a', 6379)] }],
  ])('reads %s', (url, target) => {
    expect(parseRedisUrl(url)).toEqual({ ...LOCAL, ...target });
  });

  it.each([
    ['', 'must be redis://'],
    ['localhost:6379', 'must be redis://'],
    ['http://localhost', 'must be redis://'],
    ['redis://', 'must be redis://'],
    ['redis:///var/run/redis.sock', 'must be redis://'],
    ['redis+cluster://localhost', 'must be redis://'],
    ['redis://localhost#main', 'must be redis://'],
    ['redis://localhost:0', 'host[:port]: "localhost:0"'],
    ['redis://localhost:65536', 'host[:port]: "localhost:65536"'],
    ['redis://local host', 'host[:port]: "local host"'],
    ['redis-cluster://a,', 'host[:port]: ""'],
    ['redis-cluster://a,b:x', 'host[:port]: "b:x"'],
    ['redis://a,b', 'several hosts'],
    ['redis://secret@localhost', 'user without a password'],
    ['redis://:100%@localhost', 'not percent-encoded'],
    ['redis://api:hu/sh@localhost', 'not percent-encoded'],
    ['redis://api:hu?sh@localhost', 'not percent-encoded'],
    ['redis://api:6379?hush@localhost', 'not percent-encoded'],
    ['redis-sentinel://api:h@u:s/h@localhost/main', 'not percent-encoded'],
    ['redis://localhost/first', 'database that is not a number'],
    ['redis://localhost/1/2', 'database that is not a number'],
    ['redis://localhost?family=6', 'unknown parameter: "family"'],
    ['redis-sentinel://localhost', 'must name the master'],
    ['redis-sentinel://localhost/', 'must name the master'],
    ['redis-sentinel://localhost/my%20master', 'must name the master'],
    ['redis-sentinel://localhost/main/x', 'database that is not a number'],
    ['redis-sentinel://localhost/main?master=main', 'unknown parameter: "master"'],
    ['redis-cluster://localhost/1', 'a cluster has none but 0'],
    ['redis-cluster://localhost?sentinelPassword=x', 'unknown parameter: "sentinelPassword"'],
  ])('refuses "%s": %s', (url, complaint) => {
    expect(() => parseRedisUrl(url)).toThrow(complaint);
  });

  it('is refused at boot in one line, which has no secret', () => {
    const environment = {
      DATABASE_URL: 'postgres://api:x7Gq2@localhost/tidings',
      REDIS_URL: 'redis-cluster://:hush@a:b',
    };
    const load = (): unknown => loadConfig(ProcessConfig, environment);
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/:\n {2}REDIS_URL has a host that is not host\[:port\]: "a:b"$/);
    expect(load).not.toThrow('hush');
  });
});

function at(host: string, port: number): { host: string; port: number } {
  return { host, port };
}
