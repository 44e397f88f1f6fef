import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/**
 * Unpacks a Debian (or Ubuntu) package, with the libraries it needs that the system lacks, into
 * `folder`: no root, and nothing on the system changes. Only apt's readers are used; where the
 * system has no package lists, they are fetched into a folder of our own.
 */
export async function unpackDebianPackages(packages: readonly string[], folder: string): Promise<void> {
  const work = `${folder}.work`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'debs'), { recursive: true });
  const status = await statusWithout(packages, work);
  try {
    await download(packages, work, status);
  } catch {
    const own = await ownLists(work);
    await runCommand('apt-get', [...own, 'update']);
    await download(packages, work, [...own, ...status]);
  }
  const root = join(work, 'root');
  for (const file of await readdir(join(work, 'debs'))) {
    if (file.endsWith('.deb')) await runCommand('dpkg', ['-x', join(work, 'debs', file), root]);
  }
  await rm(folder, { recursive: true, force: true });
  await rename(root, folder);
  await rm(work, { recursive: true, force: true });
}

/** The newest version of a package that apt knows, e.g. `7.0.15-1`, or null. */
export async function candidateVersion(name: string): Promise<string | null> {
  const policy = await runCommand('apt-cache', ['policy', name], { env: { ...process.env, LC_ALL: 'C' } }).catch(
    () => '',
  );
  const version = /^ {2}Candidate: (?:\d+:)?(\S+)$/m.exec(policy)?.[1];
  return version === undefined || version === '(none)' ? null : version;
}

/** Where libraries of packages that were unpacked into `folder` lie. */
export async function libraryPath(folder: string): Promise<string> {
  const parts: string[] = [];
  for (const base of ['usr/lib', 'lib']) {
    const entries = await readdir(join(folder, base), { withFileTypes: true }).catch(() => []);
    parts.push(
      ...entries.filter((entry) => entry.name.includes('-linux-')).map(({ name }) => join(folder, base, name)),
    );
  }
  return parts.join(':');
}

async function download(packages: readonly string[], work: string, options: readonly string[]): Promise<void> {
  const plan = await runCommand('apt-get', [
    ...options,
    '--simulate',
    '--no-install-recommends',
    'install',
    ...packages,
  ]);
  const planned = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]!);
  // Besides what was asked for, only libraries: the rest serves the installation. The C library
  // must be the system's, as its loader is.
  const libraries = planned.filter((name) => /^lib(?!c6|c-bin)/.test(name));
  await runCommand('apt-get', [...options, 'download', ...new Set([...packages, ...libraries])], {
    cwd: join(work, 'debs'),
  });
}

/** apt options that make it believe the packages are not installed, so that it plans for them. */
async function statusWithout(packages: readonly string[], work: string): Promise<string[]> {
  const installed = await readFile('/var/lib/dpkg/status', 'utf8').catch(() => '');
  const others = installed
    .split('\n\n')
    .filter((entry) => !packages.includes(/^Package: (\S+)$/m.exec(entry)?.[1] ?? ''));
  const file = join(work, 'status');
  await writeFile(file, others.join('\n\n'));
  return ['-o', `Dir::State::status=${file}`, '-o', `Dir::Cache=${work}/cache`];
}

async function ownLists(work: string): Promise<string[]> {
  await mkdir(join(work, 'state/lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  return ['-o', `Dir::State::lists=${work}/state/lists`, '-o', `Dir::Cache=${work}/cache`];
}
