import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '#testing';
import { describe, expect, it } from 'vitest';

const RUNNER = `
  import { ManagedProcess } from ${JSON.stringify(new URL('managed-process.ts', import.meta.url).href)};
  const child = await new ManagedProcess({
    name: 'child', command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], isReady: async () => true,
  }).start();
  console.log(child.pid);
`;

describe('a runner that is killed', () => {
  it('leaves no process behind', async () => {
    const runner = spawn(process.execPath, ['--input-type=module', '-e', RUNNER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [pid] = (await once(runner.stdout, 'data')) as [Buffer];
    runner.kill('SIGKILL');
    await eventually(() => expect(isAlive(Number(pid))).toBe(false));
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
