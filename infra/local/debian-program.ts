import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { libraryPath, unpackDebianPackages } from './debian-packages.ts';
import { DATA } from './data-folder.ts';

/** A program that tests start, and what it needs in its environment. */
export interface Program {
  command: string;
  env: NodeJS.ProcessEnv;
}

/** Debian keeps servers where users who are not root do not look. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/**
 * Finds a program on this machine, or unpacks Debian's package of it into `.data` (nothing is
 * installed).
 *
 * @param say takes a line when something takes its time
 * @returns undefined where neither is possible
 */
export async function findDebianProgram(
  name: string,
  packageName: string,
  say: (line: string) => void,
): Promise<Program | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const installed = await firstUsable(folders.map((folder) => join(folder, name)));
  if (installed) return { command: installed, env: {} };
  if (process.platform !== 'linux' || !(await firstUsable(['/usr/bin/apt-get']))) return undefined;
  const folder = join(DATA, `${packageName}-program`);
  const unpacked = (): Promise<string | undefined> =>
    firstUsable(['usr/bin', 'usr/sbin'].map((part) => join(folder, part, name)));
  if (!(await unpacked())) {
    say(`${name}: none on PATH; unpacking Debian's ${packageName} into .data (nothing is installed)`);
    await unpackDebianPackages([packageName], folder).catch((error: unknown) => {
      say(`${name}: Debian's ${packageName} could not be had: ${String(error).split('\n')[0]}`);
    });
  }
  const command = await unpacked();
  return command === undefined ? undefined : { command, env: { LD_LIBRARY_PATH: await libraryPath(folder) } };
}

async function firstUsable(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}
