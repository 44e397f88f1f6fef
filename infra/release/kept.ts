import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runCommand } from '../local/run-command.ts';
import { ROOT } from '../local/run-tool.ts';

/** Where the apps of the previous release are kept, built: one archive, named by the version. */
export const KEPT = join(ROOT, 'test/mixed-deploy/release');

export interface KeptRelease {
  version: string;
  /** Where it was unpacked: its apps are in `dist`, as in this project. */
  root: string;
}

/**
 * Unpacks the previous release. Its packages are those of this project.
 *
 * @param folder below the root of this project, where its `node_modules` are found
 */
export async function unpackKeptRelease(folder: string): Promise<KeptRelease> {
  const [archive, ...more] = (await readdir(KEPT)).filter((name) => name.endsWith('.tgz'));
  if (archive === undefined || more.length > 0) throw new Error(`${KEPT} must have one release: npm run release:keep`);
  await mkdir(folder, { recursive: true });
  const root = await mkdtemp(join(folder, 'release-'));
  await runCommand('tar', ['-xzf', join(KEPT, archive), '-C', root]);
  return { version: basename(archive, '.tgz'), root };
}
