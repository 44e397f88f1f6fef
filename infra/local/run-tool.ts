import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The root of the project. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ToolResult {
  ok: boolean;
  /** Standard output and error, in the order in which they were written. */
  output: string;
}

/**
 * Runs a development tool from `node_modules` under this Node, in the root of the project.
 *
 * @param script path of the tool's program, e.g. `typescript/bin/tsc`.
 */
export function runTool(script: string, args: readonly string[]): Promise<ToolResult> {
  return runScript(`node_modules/${script}`, args);
}

/**
 * Runs a script of the project under this Node, in its root.
 *
 * @param script path from the root, e.g. `infra/local/build.ts`.
 */
export function runScript(script: string, args: readonly string[]): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: string): void => void (output += chunk);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}
