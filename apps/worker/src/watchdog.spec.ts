import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const WATCHDOG = fileURLToPath(new URL('watchdog.ts', import.meta.url));

/** A process that does something after its event loop is watched, with a limit of 500 ms. */
const run = (does: string) =>
  promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { watchEventLoop } from ${JSON.stringify(WATCHDOG)}; watchEventLoop(500); ${does}`,
  ]);

it('ends a process whose event loop stands still, and says so', async () => {
  await expect(run('setTimeout(() => { for (;;) Math.random(); });')).rejects.toMatchObject({
    signal: 'SIGKILL',
    stderr: expect.stringContaining('the event loop stood still for 500 ms: ending the process') as string,
  });
});

it('lets a process go on that only waits', async () => {
  const { stdout } = await run("setTimeout(() => console.log('done'), 1500);");
  expect(stdout).toBe('done\n');
});
