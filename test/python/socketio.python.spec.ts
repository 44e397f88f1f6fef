import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { AcceptedAction, OutcomeEnvelope, Session } from '#contracts';
import { eventually, startSystem, type System } from '#testing';

interface Heard {
  session: Session;
  ack: { ok: boolean; action: AcceptedAction };
  refusal: { ok: boolean; problem: { code: string } };
  outcome: OutcomeEnvelope;
  away: null;
}

type Line = { [What in keyof Heard]: { what: What; data: Heard[What] } }[keyof Heard];

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 2 });
});

/** python3-socketio, a client that is not of socket.io's own authors. */
it('a Python client submits, hears its outcome, and after a while away what it missed', async () => {
  const python = process.env['PYTHON_PATH'];
  if (!python) {
    throw new Error(
      'no Python with socketio and websocket was found: apt-get install python3-socketio python3-websocket',
    );
  }
  const alice = await system.user('alice');
  const client = spawn(python, ['test/python/client.py', system.sockets[0]!.url, alice.token]);
  onTestFinished(() => void client.kill());
  const lines: Line[] = [];
  let errors = '';
  createInterface({ input: client.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  client.stderr.on('data', (chunk) => (errors += String(chunk)));
  const heard = <What extends keyof Heard>(what: What, nth = 0): Promise<Heard[What]> =>
    eventually(
      () => {
        const line = lines.filter((each) => each.what === what)[nth];
        if (!line) throw new Error(`the client said no ${what}, but ${JSON.stringify(lines)} ${errors}`);
        return line.data as Heard[What];
      },
      { timeoutMs: 20_000 },
    );

  expect(await heard('session')).toMatchObject({ userId: 'alice', recovered: true });
  const { ok, action } = await heard('ack');
  expect(ok).toBe(true);
  expect(await heard('refusal')).toMatchObject({ ok: false, problem: { code: 'UNKNOWN_EVENT' } });
  const outcome = await heard('outcome');
  expect(outcome).toMatchObject({
    type: 'action.succeeded',
    data: { id: action.id, response: { text: 'from Python: ☃' } },
  });

  await heard('away');
  const listener = await alice.connect(system.sockets[1]!);
  const missed = await alice.createMessage('while it was away');
  await listener.outcomeOf(missed);
  client.stdin.write('\n');
  expect(await heard('session', 1)).toMatchObject({ userId: 'alice', recovered: true });
  expect(await heard('outcome', 1)).toMatchObject({
    offset: outcome.offset + 1,
    replayed: true,
    data: { id: missed.id },
  });

  client.stdin.end();
  expect(await once(client, 'exit')).toEqual([0, null]);
  expect(lines.filter(({ what }) => what === 'outcome')).toHaveLength(2);
}, 60_000);
