import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const WATCHDOG = fileURLToPath(new URL('watchdog.ts', import.meta.url));

/** A process that does something after its event loop is watched. */
const run = (does: string, limitMs = 500) =>
  promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { watchEventLoop } from ${JSON.stringify(WATCHDOG)}; watchEventLoop(${limitMs}); ${does}`,
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

it('lets a process go on whose event loop stands still again and again, and never for so long', async () => {
  const { stdout } = await run(
    `for (let round = 0; round < 6; round += 1) {
      for (const end = Date.now() + 400; Date.now() < end; );
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    console.log('done');`,
    1_000,
  );
  expect(stdout).toBe('done\n');
});

it('watches nothing when the limit is 0', async () => {
  const { stdout } = await run(
    "setTimeout(() => { for (const end = Date.now() + 1000; Date.now() < end; ); console.log('done'); });",
    0,
  );
  expect(stdout).toBe('done\n');
});
