import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { candidateVersion, libraryPath, unpackDebianPackages } from './debian-packages.ts';
import { DATA } from './data-folder.ts';
import { runCommand } from './run-command.ts';

/** Sharded publish/subscribe came with Redis 7. */
const OLDEST = 7;
const IMAGE = 'redis:7-alpine';
const UNPACKED = join(DATA, 'redis-program');
const PROGRAMS = ['redis-server', 'valkey-server'];

/** How a Redis server is started on this machine. */
export interface RedisProgram {
  /** Where it comes from, for one line to the user. */
  origin: string;
  command: string;
  env: NodeJS.ProcessEnv;
  /** Set when it runs in a container: the image. */
  image?: string;
}

/**
 * Finds a Redis or Valkey server, or gets one without changing the system: on PATH, unpacked
 * before, from Debian's packages, from docker.
 *
 * @param say takes a line when something takes its time.
 * @throws {Error} that says what to install.
 */
export async function findRedis(say: (line: string) => void): Promise<RedisProgram> {
  const { TIDINGS_REDIS_PROGRAM: given, ...env } = process.env;
  const found =
    (given === undefined ? undefined : await asProgram(given, env, given)) ??
    (await onPath(env)) ??
    (await unpacked(env)) ??
    (await fromDebian(env, say)) ??
    (await fromDocker(env));
  if (found) return found;
  throw new Error(
    `no Redis of version ${OLDEST} or later was found: install redis-server or valkey-server ` +
      '(macOS: brew install redis; Debian: apt install redis-server), or start docker, or set REDIS_URL',
  );
}

async function onPath(env: NodeJS.ProcessEnv): Promise<RedisProgram | undefined> {
  for (const command of PROGRAMS) {
    const found = await asProgram(command, env, `${command} on PATH`);
    if (found) return found;
  }
  return undefined;
}

async function unpacked(env: NodeJS.ProcessEnv): Promise<RedisProgram | undefined> {
  const libraries = await libraryPath(UNPACKED);
  const withLibraries = { ...env, LD_LIBRARY_PATH: [libraries, env['LD_LIBRARY_PATH']].filter(Boolean).join(':') };
  for (const name of PROGRAMS) {
    const command = join(UNPACKED, 'usr/bin', name);
    const found = await asProgram(command, withLibraries, `Debian's ${name}, unpacked in .data`);
    if (found) return found;
  }
  return undefined;
}

async function fromDebian(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<RedisProgram | undefined> {
  if (
    process.platform !== 'linux' ||
    !(await access('/usr/bin/apt-get').then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  for (const [server, tools] of [
    ['redis-server', 'redis-tools'],
    ['valkey-server', 'valkey-tools'],
  ] as const) {
    const version = await candidateVersion(server);
    // Unknown: there may be no package lists yet.
    if (version !== null && Number.parseInt(version, 10) < OLDEST) continue;
    say(`redis: none on PATH; unpacking Debian's ${server} into .data (nothing is installed)`);
    try {
      await unpackDebianPackages([server, tools], UNPACKED);
    } catch (error) {
      say(`redis: Debian's ${server} could not be had: ${firstLine(error)}`);
      continue;
    }
    const found = await unpacked(env);
    if (found) return found;
  }
  return undefined;
}

async function fromDocker(env: NodeJS.ProcessEnv): Promise<RedisProgram | undefined> {
  try {
    await runCommand('docker', ['info'], { timeout: 5_000 });
  } catch {
    return undefined;
  }
  return { origin: `docker, image ${IMAGE}`, command: 'docker', env, image: IMAGE };
}

/** The program, when it runs and is new enough. */
async function asProgram(command: string, env: NodeJS.ProcessEnv, origin: string): Promise<RedisProgram | undefined> {
  const output = await runCommand(command, ['--version'], { env, timeout: 5_000 }).catch(() => '');
  const version = /v=(\d+)\.(\S+)/.exec(output);
  if (!version || Number(version[1]) < OLDEST) return undefined;
  return { origin: `${origin}, version ${version[1]}.${version[2]}`, command, env };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 2).join(' ');
}
