import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runTool, type ToolResult } from './run-tool.ts';

/**
 * Compiles the apps and libs into `dist/`, and the console into `dist/apps/console`.
 *
 * @throws {Error} with what the compiler printed.
 */
export async function build(): Promise<void> {
  await Promise.all([
    mustPass('tsc', runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])),
    existsSync(join(ROOT, 'apps/console/index.html')) ? mustPass('vite', buildConsole()) : undefined,
  ]);
}

function buildConsole(): Promise<ToolResult> {
  const outDir = join(ROOT, 'dist/apps/console');
  return runTool('vite/bin/vite.js', [
    'build',
    'apps/console',
    '--outDir',
    outDir,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ]);
}

async function mustPass(name: string, running: Promise<ToolResult>): Promise<void> {
  const { ok, output } = await running;
  if (!ok) throw new Error(`${name} failed:\n${output}`);
}

if (import.meta.main) {
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
