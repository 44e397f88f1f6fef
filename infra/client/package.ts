import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, runTool } from '../local/run-tool.ts';

/** Where the package is built: `npm publish dist/client`. */
export const PACKAGE = join(ROOT, 'dist/client');

/**
 * Builds `@tidings/client`.
 *
 * Its manifest lies in a folder of its own: beside the sources it would be the nearest
 * package.json for them, and what they import as `#contracts` would be looked up there.
 *
 * @param folder where to
 * @throws {Error} with what the compiler printed
 */
export async function buildPackage(folder = PACKAGE): Promise<void> {
  const { ok, output } = await runTool('tsup/dist/cli-default.js', [
    '--config',
    'libs/client/tsup.config.ts',
    '--out-dir',
    folder,
    '--silent',
  ]);
  if (!ok) throw new Error(`tsup failed:\n${output}`);
  await mkdir(folder, { recursive: true });
  await Promise.all([
    ...['react.js', 'react.cjs'].map((file) => forBrowsers(join(folder, file))),
    writeFile(join(folder, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`),
    copyFile(join(ROOT, 'libs/client/README.md'), join(folder, 'README.md')),
    copyFile(join(ROOT, 'LICENSE'), join(folder, 'LICENSE')),
  ]);
}

/** Frameworks that render on the server leave what begins so to the browser: it has hooks. */
async function forBrowsers(path: string): Promise<void> {
  await writeFile(path, `'use client';\n${await readFile(path, 'utf8')}`);
}

/** With the version of the project, and the dependency that the project was tested with, or a compatible one. */
async function manifest(): Promise<object> {
  const [project, own] = (await Promise.all(
    ['package.json', 'libs/client/npm/package.json'].map(async (path) =>
      JSON.parse(await readFile(join(ROOT, path), 'utf8')),
    ),
  )) as [{ version: string; dependencies: Record<string, string> }, object];
  return {
    ...own,
    version: project.version,
    dependencies: { 'socket.io-client': `^${project.dependencies['socket.io-client']}` },
  };
}
