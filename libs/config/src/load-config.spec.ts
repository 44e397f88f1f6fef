import { describe, expect, it } from 'vitest';
import { ApiConfig, ConfigError, loadConfig, ProcessConfig, SocketConfig, variablesOf, WorkerConfig } from './index.ts';

const REQUIRED = { DATABASE_URL: 'postgres://api:x7Gq2@localhost/tidings', REDIS_URL: 'redis://api:p9Zt4@localhost' };
const SECRET = 'a-secret-of-more-than-32-characters';

/** What a refused environment is told, line by line. */
function complaints(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').slice(1);
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('takes defaults for what is unset or empty', () => {
    const config = loadConfig(ProcessConfig, { ...REQUIRED, PORT: '', HOST: undefined });
    expect(config).toMatchObject({ ...REQUIRED, PORT: 3000, HOST: '0.0.0.0', NODE_ENV: 'production' });
    expect(config.isProduction).toBe(true);
  });

  it('reads numbers and switches as such', () => {
    const environment = { ...REQUIRED, JWT_SECRET: SECRET, PORT: '3101', ALLOW_GUESTS: 'false' };
    expect(loadConfig(SocketConfig, environment)).toMatchObject({ PORT: 3101, ALLOW_GUESTS: false });
    expect(loadConfig(SocketConfig, { ...environment, ALLOW_GUESTS: '1' })).toMatchObject({ ALLOW_GUESTS: true });
  });

  it('leaves numbers alone where text is meant', () => {
    expect(loadConfig(ProcessConfig, { ...REQUIRED, INSTANCE_ID: '7' }).INSTANCE_ID).toBe('7');
  });

  it('takes nothing that the schema does not name', () => {
    expect(loadConfig(ProcessConfig, { ...REQUIRED, PATH: '/bin', isProduction: 'x' })).not.toHaveProperty('PATH');
  });

  it.each([
    ['PORT', '80a'],
    ['PORT', '1e3'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['NODE_ENV', 'prod'],
    ['DATABASE_URL', 'mysql://localhost'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_PREFIX', 'with space'],
    ['INSTANCE_ID', 'a b'],
    ['METRICS_TOKEN', 'short'],
    ['WORKER_CONCURRENCY', '0'],
    ['MAX_ATTEMPTS', 'many'],
    ['DRAIN_DELAY_MS', '10000'],
    // Longer than a timer can be: it would be over at once.
    ['SHUTDOWN_GRACE_MS', '2147483648'],
    ['PERFORM_TIMEOUT_MS', '2147483648'],
    ['SWEEP_INTERVAL_MS', '2147483648'],
    // Before our era, of which Postgres writes the years as of ours: everything would be older.
    ['RETENTION_DAYS', '1500000'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['DATABASE_URL', 'postgres://api:pa#ss@localhost/tidings'],
    ['DATABASE_URL', 'postgres://api:12/ss@localhost/tidings'],
    ['DATABASE_URL', 'postgres://api:100%@localhost/tidings'],
    ['DATABASE_URL', 'postgres://localhost:99999/tidings'],
  ])('refuses %s=%s, by name', (name, value) => {
    const lines = complaints(() => loadConfig(WorkerConfig, { ...REQUIRED, [name]: value }));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.includes(name))).toEqual([]);
  });

  it.each([
    'postgres://api:x7Gq2@localhost/tidings',
    'postgresql://api:100%25@[::1]:5432/tidings?sslmode=verify-full&sslrootcert=/ca.pem',
    'postgres://api:x7Gq2@/tidings?host=/run/postgresql',
  ])('takes DATABASE_URL=%s', (DATABASE_URL) => {
    expect(complaints(() => loadConfig(ProcessConfig, { ...REQUIRED, DATABASE_URL }))).toEqual([]);
  });

  it.each([
    ['ALLOWED_ORIGINS', 'https://app.example, capacitor://localhost,', 'app.example'],
    ['ALLOWED_ORIGINS', 'http://127.0.0.1:3000', 'https://app.example/'],
    ['ALLOWED_ORIGINS', 'https://app.example:8443', 'https://app.example:443'],
    ['ALLOWED_ORIGINS', 'https://app.example', 'https://*.example/*'],
    ['ALLOWED_ORIGINS', 'https://app.example', 'https://*.app.example'],
    ['SOCKET_URLS', 'http://127.0.0.1:3101, https://sockets.example/', 'sockets.example'],
    ['TRUSTED_PROXIES', 'loopback, 10.0.0.0/8, 2001:db8::1', '10.0.0.0/99'],
    ['TRUSTED_PROXIES', 'uniquelocal', 'balancer'],
  ])('takes %s=%s, and names %s in it as wrong', (name, good, wrong) => {
    const load = (value: string) => () => loadConfig(ApiConfig, { ...REQUIRED, JWT_SECRET: SECRET, [name]: value });
    expect(complaints(load(good))).toEqual([]);
    expect(complaints(load(`${good},${wrong}`))).toEqual([expect.stringContaining(`  ${name} has "${wrong}"`)]);
  });

  it('lets a function have one connection to Postgres, and a worker no less than two', () => {
    const environment = { ...REQUIRED, JWT_SECRET: SECRET, DATABASE_POOL_SIZE: '1' };
    expect(complaints(() => loadConfig(ApiConfig, environment))).toEqual([]);
    expect(complaints(() => loadConfig(WorkerConfig, environment))).toEqual([
      expect.stringMatching(/DATABASE_POOL_SIZE/),
    ]);
  });

  it('names everything that is wrong at once', () => {
    const lines = complaints(() => loadConfig(ApiConfig, { PORT: 'x' }));
    for (const name of ['PORT', 'DATABASE_URL', 'REDIS_URL', 'JWT_SECRET']) {
      expect(lines.some((line) => line.includes(name))).toBe(true);
    }
  });

  it.each([
    ['a secret', { JWT_SECRET: SECRET }],
    ['the keys of an issuer', { JWKS_URL: 'https://issuer.example/keys' }],
    ['the keys of an issuer among containers', { JWKS_URL: 'http://my_issuer:8080/keys' }],
    ['both', { JWT_SECRET: SECRET, JWKS_URL: 'http://issuer:8080/keys' }],
  ])('lets tokens be verified by %s', (_, more) => {
    expect(loadConfig(ApiConfig, { ...REQUIRED, ...more })).toMatchObject(more);
  });

  it.each([
    ['neither secret nor keys', {}],
    ['a secret that is too short', { JWT_SECRET: 'short' }],
    ['the published development secret', { JWT_SECRET: 'tidings-development-secret-not-for-production' }],
    ['a short secret beside keys', { JWT_SECRET: 'short', JWKS_URL: 'https://issuer.example/keys' }],
    ['keys that are no address', { JWKS_URL: 'issuer' }],
    ['keys from a file', { JWKS_URL: 'file:///etc/keys' }],
    ['keys that cannot be asked for', { JWKS_URL: 'https://user:password@issuer.example/keys' }],
  ])('refuses %s', (_, more) => {
    expect(complaints(() => loadConfig(ApiConfig, { ...REQUIRED, ...more }))).not.toEqual([]);
  });
});

describe('in production', () => {
  const SAFE = { ...REQUIRED, JWT_SECRET: SECRET };

  it('starts without METRICS_TOKEN, since metrics stay shut then', () => {
    expect(complaints(() => loadConfig(ApiConfig, SAFE))).toEqual([]);
  });

  it.each([
    ['REDIS_URL', 'redis://localhost:6379', 'ALLOW_UNPROTECTED_REDIS'],
    ['REDIS_URL', 'redis://:foobared@redis', 'ALLOW_UNPROTECTED_REDIS'],
    ['REDIS_URL', 'redis-cluster://a:7000,b:7000', 'ALLOW_UNPROTECTED_REDIS'],
    ['REDIS_URL', 'redis-sentinel://:redis@a:26379,b/main', 'ALLOW_UNPROTECTED_REDIS'],
    ['DATABASE_URL', 'postgres://localhost/tidings', 'ALLOW_UNPROTECTED_POSTGRES'],
    ['DATABASE_URL', 'postgres://postgres:postgres@db/tidings', 'ALLOW_UNPROTECTED_POSTGRES'],
    ['DATABASE_URL', 'postgres://bob:Bob@db/tidings', 'ALLOW_UNPROTECTED_POSTGRES'],
    ['ALLOWED_ORIGINS', '*', 'ALLOW_ANY_ORIGIN'],
    ['ALLOWED_ORIGINS', 'https://a.example, *', 'ALLOW_ANY_ORIGIN'],
  ])('refuses %s=%s in one line, unless %s says that it is meant', (name, value, setting) => {
    const lines = complaints(() => loadConfig(ApiConfig, { ...SAFE, [name]: value }));
    expect(lines).toEqual([expect.stringMatching(`^  ${name} .*${setting}=true`)]);
    for (const more of [{ [setting]: 'true' }, { NODE_ENV: 'test' }]) {
      expect(complaints(() => loadConfig(ApiConfig, { ...SAFE, [name]: value, ...more }))).toEqual([]);
    }
  });

  it.each([
    ['the one of the tests', 'a-secret-that-only-tests-use-0123456789'],
    ['an example', 'a-string-secret-at-least-256-bits-long'],
    ['a placeholder', 'change-me-change-me-change-me-0123456789'],
    ['one that was typed', '12341234123412341234123412341234'],
  ])('refuses %s as secret of the tokens', (_, JWT_SECRET) => {
    expect(complaints(() => loadConfig(SocketConfig, { ...SAFE, JWT_SECRET }))).toEqual([
      expect.stringMatching('JWT_SECRET is a known'),
    ]);
    expect(complaints(() => loadConfig(SocketConfig, { ...SAFE, JWT_SECRET, NODE_ENV: 'test' }))).toEqual([]);
  });

  it.each([
    ['CRASH_POINT', 'apply.before-commit'],
    ['SUPERVISOR_URL', 'http://127.0.0.1:4000'],
  ])('refuses %s, which is for trials', (name, value) => {
    expect(complaints(() => loadConfig(ApiConfig, { ...SAFE, [name]: value }))).toEqual([
      `  ${name} must not be set in production`,
    ]);
  });
});

describe('variablesOf', () => {
  it('names the variables of a schema and of those it extends, once', () => {
    const names = variablesOf(SocketConfig);
    expect(names).toEqual(expect.arrayContaining(['ALLOW_GUESTS', 'JWT_SECRET', 'PORT']));
    expect(names).toHaveLength(new Set(names).size);
    expect(names).not.toContain('isProduction');
  });
});
