import { ValidateBy } from 'class-validator';

/** Where a Redis, or one of many, listens. */
export interface RedisAddress {
  host: string;
  port: number;
}

/** What a `REDIS_URL` says. */
export interface RedisTarget {
  kind: 'standalone' | 'sentinel' | 'cluster';
  /** Whether every connection is by TLS, those to Sentinels included. */
  isEncrypted: boolean;
  /** The Redis; or the Sentinels; or some nodes of the cluster, which name the others. */
  addresses: readonly [RedisAddress, ...RedisAddress[]];
  username?: string;
  password?: string;
  /** Always 0 in a cluster, which has no others. */
  database: number;
  /** The name by which the Sentinels know the master. */
  master?: string;
  /** Of the Sentinels, when they ask for it. */
  sentinelUsername?: string;
  sentinelPassword?: string;
}

export const REDIS_URL_FORMS =
  'redis://[[user]:password@]host[:port][/database], ' +
  'redis-sentinel://[[user]:password@]host[:port],…/master[/database][?sentinelPassword=…], or ' +
  'redis-cluster://[[user]:password@]host[:port],… (rediss… for TLS)';

const NOT_ENCODED = 'has a user or a password that is not percent-encoded';

const FORM = /^redis(s?)(?:-(sentinel|cluster))?:\/\/(?:([^/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const ADDRESS = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;
const SENTINEL_SETTINGS = new Set(['sentinelUsername', 'sentinelPassword']);

/**
 * Reads a `REDIS_URL`. User names and passwords are percent-encoded in it.
 *
 * @throws {Error} that says in one line, without the password, what is wrong
 */
export function parseRedisUrl(text: string): RedisTarget {
  const [, encrypted, many, credentials, hosts, path = '', query = ''] = FORM.exec(text) ?? [];
  if (hosts === undefined) throw new Error(`must be ${REDIS_URL_FORMS}`);
  if (isCutShort(path, query)) throw new Error(NOT_ENCODED);
  const kind = (many as 'sentinel' | 'cluster' | undefined) ?? 'standalone';
  const addresses = hosts.split(',').map((host) => parseAddress(host, kind === 'sentinel' ? 26_379 : 6_379));
  if (kind === 'standalone' && addresses.length > 1)
    throw new Error('names several hosts: say whether they are a cluster (redis-cluster://) or redis-sentinel://');
  return {
    kind,
    isEncrypted: encrypted === 's',
    addresses: addresses as [RedisAddress, ...RedisAddress[]],
    ...parseCredentials(credentials),
    ...parsePath(path, kind),
    ...parseQuery(query, kind),
  };
}

/** For a variable that has a `REDIS_URL`. */
export function IsRedisUrl(): PropertyDecorator {
  const complaint = (value: unknown): string | undefined => {
    try {
      parseRedisUrl(typeof value === 'string' ? value : '');
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  return ValidateBy({
    name: 'isRedisUrl',
    validator: {
      validate: (value: unknown) => complaint(value) === undefined,
      defaultMessage: (target) => `$property ${complaint(target?.value)}`,
    },
  });
}

/** A password in which "/" or "?" was not encoded: what then seems to be the host is the beginning of it. */
function isCutShort(path: string, query: string): boolean {
  const unknown = [...new URLSearchParams(query)].filter(([name]) => !SENTINEL_SETTINGS.has(name)).flat();
  return [path, ...unknown].some((part) => part.includes('@'));
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const [, ipv6, host = ipv6, port = defaultPort] = ADDRESS.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`has a host that is not host[:port]: "${text}"`);
  return { host, port: Number(port) };
}

function parseCredentials(text: string | undefined): Pick<RedisTarget, 'username' | 'password'> {
  if (text === undefined) return {};
  const colon = text.indexOf(':');
  if (colon < 0) throw new Error('has a user without a password: write user:password@ or :password@');
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)].map(decoded);
  return { ...(username && { username }), ...(password && { password }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(NOT_ENCODED);
  }
}

function parsePath(path: string, kind: RedisTarget['kind']): Pick<RedisTarget, 'database' | 'master'> {
  const parts = path.replace(/\/$/, '').split('/');
  const master = kind === 'sentinel' ? parts.shift() : undefined;
  if (kind === 'sentinel' && !/^[\w.-]+$/.test(master!))
    throw new Error('must name the master that the Sentinels watch: redis-sentinel://host,host/mymaster');
  const [database = '', ...more] = parts;
  if (!/^\d{0,5}$/.test(database) || more.length > 0) throw new Error('has a database that is not a number');
  if (kind === 'cluster' && Number(database) > 0) throw new Error('names a database, but a cluster has none but 0');
  return { database: Number(database), ...(master !== undefined && { master }) };
}

function parseQuery(
  query: string,
  kind: RedisTarget['kind'],
): Pick<RedisTarget, 'sentinelUsername' | 'sentinelPassword'> {
  const settings = Object.fromEntries(new URLSearchParams(query));
  for (const name of Object.keys(settings)) {
    if (kind !== 'sentinel' || !SENTINEL_SETTINGS.has(name)) throw new Error(`has an unknown parameter: "${name}"`);
  }
  return settings;
}
