import type { RedisInstallation } from './redis-installation.ts';
import type { RedisProgram } from './redis-program.ts';
import type { RedisServer } from './redis.ts';

/** One that replaces a master that dies. */
export interface ReplicatedRedis extends RedisInstallation {
  readonly servers: readonly RedisServer[];
  /** The server that has a key, and takes writes, at the moment. */
  masterOf(key: string): Promise<RedisServer>;
}

export interface ReplicatedOptions {
  /** Where its data is; each process has a folder in it. */
  folder: string;
  /** How long a master may be silent before it is replaced, in milliseconds. */
  failoverAfterMs?: number;
  program?: RedisProgram;
  onLine?: (line: string) => void;
}
