import { eventually } from '#testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ManagedProcess } from './managed-process.ts';
import { Supervisor } from './supervisor.ts';

const SLEEPER = `process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000); console.log('up')`;

function sleeper(name: string): ManagedProcess {
  const managed: ManagedProcess = new ManagedProcess({
    name,
    command: process.execPath,
    args: ['-e', SLEEPER],
    isReady: () => Promise.resolve(managed.logs().includes('up')),
  });
  return managed;
}

let supervisor: Supervisor;
afterEach(() => supervisor.stop());

describe('Supervisor', () => {
  it('starts again what dies', async () => {
    const lines: string[] = [];
    supervisor = new Supervisor((line) => lines.push(line));
    const victim = await sleeper('victim').start();
    supervisor.add(victim, 'app');
    const { pid } = victim;

    await supervisor.kill('victim');

    await eventually(() => expect(supervisor.list()).toMatchObject([{ name: 'victim', running: true, restarts: 1 }]));
    expect(victim.pid).not.toBe(pid);
    expect(lines[0]).toBe('victim ended; it is started again');
  });

  it('restarts on demand, and still watches afterwards', async () => {
    supervisor = new Supervisor(() => {});
    const member = await sleeper('member').start();
    supervisor.add(member, 'app');
    await supervisor.restart('member');
    expect(member.isRunning).toBe(true);
    await supervisor.kill('member');
    await eventually(() => expect(supervisor.list()).toMatchObject([{ running: true, restarts: 2 }]));
  });

  it('ends everything, also what is waiting to be started again', async () => {
    supervisor = new Supervisor(() => {});
    const [app, service] = await Promise.all([sleeper('app').start(), sleeper('service').start()]);
    supervisor.add(app, 'app');
    supervisor.add(service, 'service');
    await supervisor.kill('app');
    await supervisor.stop();
    expect(supervisor.list().map(({ running }) => running)).toEqual([false, false]);
  });

  it('names those it has when asked for another', async () => {
    supervisor = new Supervisor(() => {});
    await expect(supervisor.kill('nobody')).rejects.toThrow('there is no process nobody');
  });
});
