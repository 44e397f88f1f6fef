import { eventually } from '#testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startControlServer, type ControlServer } from './control-server.ts';
import { ManagedProcess } from './managed-process.ts';
import { Supervisor, type Supervised } from './supervisor.ts';

const SLEEPER = `process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000); console.log('up')`;

let supervisor: Supervisor;
let control: ControlServer;

beforeEach(async () => {
  supervisor = new Supervisor(() => {});
  for (const [name, group] of [
    ['worker-1', 'app'],
    ['redis', 'service'],
  ] as const) {
    const sleeper: ManagedProcess = new ManagedProcess({
      name,
      command: process.execPath,
      args: ['-e', SLEEPER],
      isReady: () => Promise.resolve(sleeper.logs().includes('up')),
    });
    supervisor.add(await sleeper.start(), group);
  }
  control = await startControlServer(supervisor, () => {});
});

afterEach(async () => {
  control.close();
  await supervisor.stop();
});

async function processes(): Promise<Supervised[]> {
  return ((await (await fetch(`${control.url}/processes`)).json()) as { data: Supervised[] }).data;
}

function post(path: string): Promise<number> {
  return fetch(`${control.url}${path}`, { method: 'POST' }).then(({ status }) => status);
}

it('kills and restarts an app, which comes back both times', async () => {
  const [{ pid } = { pid: 0 }] = await processes();
  expect(await post('/processes/worker-1/kill')).toBe(202);
  await eventually(async () => expect(await processes()).toMatchObject([{ running: true, restarts: 1 }]));
  expect((await processes())[0]!.pid).not.toBe(pid);
  await eventually(async () => expect(await post('/processes/worker-1/restart')).toBe(202));
  await eventually(async () => expect(await processes()).toMatchObject([{ running: true, restarts: 2 }]));
});

it('knows no service, no other verb, and nobody without its secret', async () => {
  expect((await processes()).map(({ name }) => name)).toEqual(['worker-1']);
  expect(await post('/processes/redis/kill')).toBe(404);
  expect(await post('/processes/worker-1/stop')).toBe(404);
  const { origin } = new URL(control.url);
  for (const path of ['/processes', '//processes', '/x/processes']) {
    expect((await fetch(`${origin}${path}`)).status).toBe(404);
  }
  const foreign = await fetch(`${origin}/x/processes/worker-1/kill`, { method: 'POST' });
  expect(foreign.status).toBe(404);
});
