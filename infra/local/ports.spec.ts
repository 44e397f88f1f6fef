import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { freePort } from './ports.ts';
import { ROOT } from './run-tool.ts';

const COUNT = 300;

/** Picks ports, says which, and keeps them until its input ends. */
const PICK = `
import { freePort } from '${join(ROOT, 'infra/local/ports.ts')}';
const ports = [];
for (let count = 0; count < ${COUNT}; count += 1) ports.push(await freePort());
console.log(JSON.stringify(ports));
process.stdin.resume();`;

async function pickElsewhere(): Promise<{ ports: number[]; end: () => Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PICK], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const end = async (): Promise<void> => {
    child.stdin.end();
    await once(child, 'exit');
  };
  return { ports: JSON.parse(line) as number[], end };
}

describe('a free port', () => {
  it('is picked by one process at a time, and free again once that has ended', async () => {
    const others = await Promise.all([pickElsewhere(), pickElsewhere()]);
    const picked = new Set(others.flatMap(({ ports }) => ports));
    expect(picked.size).toBe(2 * COUNT);
    for (let count = 0; count < 50; count += 1) expect(picked).not.toContain(await freePort());
    await Promise.all(others.map(({ end }) => end()));
    // If it were not free again, this would never end.
    while (!picked.has(await freePort()));
  });
});
