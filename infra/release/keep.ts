/**
 * `npm run release:keep`: keeps the apps as they are now, built, as the previous release that
 * the next one is tested beside (`test/mixed-deploy`), in place of the one before.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../local/run-command.ts';
import { ROOT, runTool } from '../local/run-tool.ts';
import { KEPT } from './kept.ts';

/** Only what runs: no maps, no declarations, no comments. */
const COMPILER = ['-p', 'tsconfig.build.json', '--sourceMap', 'false', '--removeComments', '--incremental', 'false'];

interface Manifest {
  name: string;
  version: string;
  type: string;
  /** From one lib to another. */
  imports: Record<string, { default: string }>;
}

/** What Node needs of the manifest to run what is built. */
function manifestOf({ name, version, type, imports }: Manifest): Manifest {
  const built = Object.entries(imports).filter(([, { default: file }]) => file.startsWith('./dist/'));
  return {
    name,
    version,
    type,
    imports: Object.fromEntries(built.map(([lib, { default: file }]) => [lib, { default: file }])),
  };
}

const manifest = manifestOf(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest);
const folder = await mkdtemp(join(tmpdir(), 'tidings-release-'));
try {
  const { ok, output } = await runTool('typescript/bin/tsc', [
    ...[...COMPILER, '--tsBuildInfoFile', 'null'],
    ...['--outDir', join(folder, 'dist')],
  ]);
  if (!ok) throw new Error(`it does not compile:\n${output}`);
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  await rm(KEPT, { recursive: true, force: true });
  await mkdir(KEPT, { recursive: true });
  const archive = join(KEPT, `${manifest.version}.tgz`);
  await runCommand('tar', ['-czf', archive, '-C', folder, 'package.json', 'dist']);
  console.log(`kept ${archive}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
