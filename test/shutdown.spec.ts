import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ManagedProcess } from '../infra/local/managed-process.ts';
import { freePort } from '../infra/local/ports.ts';
import type { AcceptedAction, Action } from '#contracts';
import {
  eventually,
  JWT_SECRET,
  startBalancer,
  startSystem,
  type Listener,
  type StartedApp,
  type System,
  TestUser,
} from '#testing';

/** Longest time from SIGTERM to exit, in milliseconds. */
const GRACE_MS = 5_000;

/** Submits one after the other until told to stop; keeps what was accepted. */
function keepSubmitting(user: TestUser): { accepted: AcceptedAction[]; stop: () => Promise<void> } {
  const accepted: AcceptedAction[] = [];
  const ending = new AbortController();
  const submitting = (async () => {
    while (!ending.signal.aborted) {
      const answers = await Promise.all([1, 2, 3].map((index) => user.createMessage(`message ${index}`)));
      accepted.push(...answers);
    }
  })();
  // Whoever stops it sees the failure.
  submitting.catch(() => undefined);
  return {
    accepted,
    stop: () => {
      ending.abort();
      return submitting;
    },
  };
}

/** Sends SIGTERM, and waits for an exit in good order. */
async function terminate(app: StartedApp): Promise<void> {
  const startedAt = performance.now();
  await app.kill('SIGTERM');
  await app.ended();
  expect(app.exitCode).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(GRACE_MS);
}

async function expectAllHeard(listener: Listener, accepted: readonly AcceptedAction[]): Promise<void> {
  await listener.outcomesOf(accepted);
  expect(listener.offsets).toEqual(accepted.map((_, index) => index + 1));
  expect(listener.actionIds.toSorted()).toEqual(accepted.map(({ id }) => id).toSorted());
}

const HEAD = 'GET /v1/messages HTTP/1.1\r\nHost: tidings\r\n';

/** Always has the next request half sent when one is answered, so that its connection is never idle. */
class PipeliningClient {
  readonly #socket: Socket;
  #received = '';

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.#socket.on('data', (data) => (this.#received += data.toString('latin1')));
    this.#socket.on('error', () => undefined);
    this.#socket.write(HEAD);
  }

  get answers(): string[] {
    return this.#received.split('HTTP/1.1 ').slice(1);
  }

  async ask(): Promise<string> {
    const { length } = this.answers;
    this.#socket.write(`\r\n${HEAD}`);
    return eventually(() => {
      const answer = this.answers[length];
      if (!answer?.endsWith('}')) throw new Error('not answered');
      return answer;
    });
  }
}

let system: System;

beforeAll(async () => {
  system = await startSystem({ workers: 2, sockets: 2, env: { SHUTDOWN_GRACE_MS: String(GRACE_MS) } });
});

// One system, of which one part after the other ends.
describe('a process that gets SIGTERM with work in hand exits with 0:', { timeout: 60_000 }, () => {
  it('a worker, and another one goes on with its work', async () => {
    const alice = await system.user('worker');
    const listener = await alice.connect(system.sockets[0]!);
    const load = keepSubmitting(alice);
    await eventually(() => expect(listener.outcomes.length).toBeGreaterThan(50));
    await terminate(system.workers[0]!);
    await load.stop();
    await expectAllHeard(listener, load.accepted);
  });

  it('the last worker, and the next one finds the work', async () => {
    const alice = await system.user('last-worker');
    const listener = await alice.connect(system.sockets[0]!);
    const load = keepSubmitting(alice);
    await eventually(() => expect(listener.outcomes.length).toBeGreaterThan(50));
    await terminate(system.workers[1]!);
    await load.stop();
    const heard = listener.outcomes.length;
    expect(heard).toBeLessThan(load.accepted.length);
    await system.add('worker');
    await expectAllHeard(listener, load.accepted);
  });

  it('a socket instance, and its clients come back on another one, where they miss nothing', async () => {
    const balancer = await startBalancer(system.sockets);
    const users = await Promise.all(Array.from({ length: 20 }, (_, index) => system.user(`socket-${index}`)));
    const listeners = await Promise.all(users.map((user) => user.connect(balancer)));
    const [first, second] = system.sockets.map(({ name }) => name);
    expect(new Set(listeners.map(({ session }) => session.instance))).toEqual(new Set([first, second]));

    const loads = users.map((user) => keepSubmitting(user));
    await eventually(() => expect(listeners.every(({ outcomes }) => outcomes.length > 5)).toBe(true), {
      timeoutMs: 30_000,
    });
    const moving = listeners.filter(({ session }) => session.instance === first);
    const staying = listeners.filter(({ session }) => session.instance === second);
    await terminate(system.sockets[0]!);
    await eventually(() => expect(moving.every(({ session }) => session.instance === second)).toBe(true));
    await Promise.all(loads.map((load) => load.stop()));

    for (const [index, listener] of listeners.entries()) await expectAllHeard(listener, loads[index]!.accepted);
    for (const { goaways, sessions } of moving) {
      expect(goaways).toEqual([{ reason: 'drain', reconnectInMs: expect.any(Number) as number }]);
      expect(sessions.map(({ recovered }) => recovered)).toEqual([true, true]);
    }
    for (const { sessions } of staying) expect(sessions).toHaveLength(1);
  });

  it('an api, after it has answered what it had begun', async () => {
    const alice = await system.user('api');
    const listener = await alice.connect(system.sockets[1]!);
    const submits = Array.from({ length: 100 }, (_, index) => alice.createMessage(`message ${index}`));
    const answering = Promise.allSettled(submits);
    await Promise.any(submits);
    await terminate(system.api);

    const answers = await answering;
    const accepted = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    expect(accepted.length).toBeGreaterThan(0);
    await listener.outcomesOf(accepted);
    // What was not answered may have been accepted all the same, and is heard once then.
    expect(new Set(listener.actionIds).size).toBe(listener.outcomes.length);
    expect(listener.offsets).toEqual(listener.outcomes.map((_, index) => index + 1));
  });

  it('an api, and who would rather wait for the outcome gets the 202', async () => {
    const { api } = await startSystem({ workers: 0, sockets: 0, env: { SHUTDOWN_GRACE_MS: String(GRACE_MS) } });
    const alice = await TestUser.signIn('waiting', api.url);
    const waiting = alice.call<Action>('POST', '/v1/messages', { body: { text: 'a' }, headers: { prefer: 'wait=30' } });
    await eventually(async () => {
      expect((await alice.call<{ data: Action[] }>('GET', '/v1/actions')).body.data).toHaveLength(1);
    });
    await terminate(api);
    const { status, body } = await waiting;
    expect({ status, body }).toMatchObject({ status: 202, body: { status: 'pending', done: false } });
  });

  it('an api, and what comes on a busy connection meanwhile is answered like anything else', async () => {
    const { api } = await startSystem({ workers: 0, sockets: 0, env: { SHUTDOWN_GRACE_MS: String(GRACE_MS) } });
    const client = new PipeliningClient(api.url);
    await client.ask();
    await api.kill('SIGTERM');
    // It says so once it closes.
    await eventually(async () => expect(await client.ask()).toMatch(/^connection: close\r$/im));
    for (const answer of client.answers) {
      expect(answer).toMatch(/^401 /);
      expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    }
    await api.ended();
    expect(api.exitCode).toBe(0);
  });

  it('one that balancers may ask still: not ready at once, it takes what comes until they have noticed', async () => {
    const api = await system.add('api', { DRAIN_DELAY_MS: '4000' });
    const alice = await TestUser.signIn('delayed', api.url);
    await api.kill('SIGTERM');
    await eventually(async () => {
      const { status, body } = await alice.call('GET', '/readyz');
      expect({ status, body }).toEqual({ status: 503, body: { status: 'unready', checks: { draining: 'failed' } } });
    });
    await alice.createMessage('in time');
    await api.ended();
    expect(api.exitCode).toBe(0);
  });

  it('one that npm started, which passes the signal on', async () => {
    const port = await freePort();
    const { database: DATABASE_URL, redis } = system;
    const app = new ManagedProcess({
      name: 'npm run start:api',
      command: 'npm',
      args: ['run', 'start:api'],
      env: {
        ...process.env,
        ...{ NODE_ENV: 'test', JWT_SECRET, DATABASE_URL, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix },
        ...{ HOST: '127.0.0.1', PORT: String(port), PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
      },
      isReady: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    });
    await app.start();
    await app.kill('SIGTERM');
    await app.ended();
    expect(app.exitCode).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow('fetch failed');
  });

  it('and so do those that have nothing to do', async () => {
    const rest = [...system.workers, ...system.sockets].filter(({ isRunning }) => isRunning);
    expect(rest).toHaveLength(2);
    for (const app of rest) await terminate(app);
  });
});
