import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

// Below the range from which systems take the ports of outgoing connections: a server that is
// down for a moment must find its port free when it comes back.
const LOWEST = 20_000;
const HIGHEST = 29_999;

/** Whether nobody listens on a TCP port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Who has picked which port, by files of that name: between a pick and the listening somebody else might pick it too. */
const PICKED = join(tmpdir(), `tidings-ports-${userInfo().uid}`);

/**
 * A port of the loopback address that nobody listens on, outside the range of outgoing connections.
 * It stays with this process until that ends, also while its server is down.
 */
export async function freePort(): Promise<number> {
  await mkdir(PICKED, { recursive: true });
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if ((await pick(port)) && (await isFree(port))) return port;
  }
}

/** Whether the port is this process's now: nobody has picked it who still runs. */
async function pick(port: number): Promise<boolean> {
  const file = join(PICKED, String(port));
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    // Where no file can be written, chance has to do.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return true;
    if (await isStale(file)) await giveBack(file);
    return false;
  }
}

async function isStale(file: string): Promise<boolean> {
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  return owner > 0 && !isAlive(owner);
}

/** Takes the file away to look once more: others may have done the same, and picked the port anew. */
async function giveBack(file: string): Promise<void> {
  const aside = `${file}-${process.pid}`;
  try {
    await rename(file, aside);
    if (!(await isStale(aside))) await link(aside, file);
    await rm(aside);
  } catch {
    // Somebody else was faster.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
