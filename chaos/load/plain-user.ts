import { connect, TestUser, type Listener } from '#testing';
import { decodeCursor, roomChannel, type OutcomeEnvelope } from '#contracts';
import { subscribe } from '../../test/rooms/room.ts';
import type { Ear, Submit } from '../history/history.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Operation } from './operation.ts';
import { submit, type Answer } from './submission.ts';

/** How long one try may take, in milliseconds. */
const TRY_MS = 5_000;

/** Longer than any run. */
const TOKEN_SECONDS = 8 * 3_600;

const TOO_MANY_REQUESTS = 429;
const METHODS = { create: 'POST', edit: 'PATCH', delete: 'DELETE', addMember: 'PUT' };

/** Somebody who submits by plain HTTP, and listens with plain socket.io clients that keep their cursors. */
export class PlainUser {
  readonly id: string;
  readonly listeners: Listener[] = [];
  readonly #user: TestUser;
  readonly #recorder: Recorder;
  readonly #ears = new Map<Listener, Ear>();

  private constructor(user: TestUser, recorder: Recorder) {
    this.id = user.id;
    this.#user = user;
    this.#recorder = recorder;
  }

  /** @param sockets where to listen: one connection each */
  static async join(id: string, api: string, sockets: readonly string[], recorder: Recorder): Promise<PlainUser> {
    const user = new PlainUser(await TestUser.signIn(id, api, { expiresIn: TOKEN_SECONDS }), recorder);
    for (const url of sockets) await user.listen(url);
    return user;
  }

  submit(operation: Operation, patienceMs: number): Promise<Submit> {
    const send = (key: string): Promise<Answer> => this.send(operation, key);
    return submit({ recorder: this.#recorder, owner: this.id, operation, send, patienceMs });
  }

  /** Hears a room, of which it is a member. */
  async enter(roomId: string): Promise<void> {
    for (const listener of this.listeners) {
      const answer = await subscribe(listener, roomId);
      if (!answer.ok) throw new Error(`${this.id} may not hear ${roomId}: ${answer.problem.code}`);
      this.#ears.get(listener)!.floors.set(roomChannel(roomId), decodeCursor(answer.cursor)!.offset);
    }
  }

  /** What a stranger may not: hear a room, or see somebody else's action. */
  async pry(roomId: string, actionId: string | undefined): Promise<void> {
    for (const listener of this.listeners) {
      const answer = await subscribe(listener, roomId).catch(() => undefined);
      if (answer?.ok) this.#recorder.report('foreign', `${this.id} was let into ${roomId}`);
    }
    if (actionId === undefined) return;
    const signal = AbortSignal.timeout(TRY_MS);
    const answer = await this.#user.call('GET', `/v1/actions/${actionId}`, { signal }).catch(() => undefined);
    if (answer?.status === 200) this.#recorder.report('foreign', `${this.id} saw action ${actionId}`);
  }

  private async send({ resource, verb, id, payload }: Operation, key: string): Promise<Answer> {
    const { body, path } = addressOf(resource, verb, id, payload);
    const { status, body: answer } = await this.#user.call<{ id: string; code?: string }>(METHODS[verb], path, {
      ...(body && { body }),
      headers: { 'idempotency-key': key },
      signal: AbortSignal.timeout(TRY_MS),
    });
    if (status === 202) return { actionId: answer.id };
    if (status >= 500 || status === TOO_MANY_REQUESTS) throw new Error(`answered ${status}`);
    return { refusal: `${status} ${answer.code}` };
  }

  private async listen(url: string): Promise<void> {
    const ear = this.#recorder.addEar(`${this.id} ${this.listeners.length + 1}`, this.id);
    const listener = await connect(url, { token: this.#user.token });
    for (const text of listener.session.cursors) {
      const { channel, offset } = decodeCursor(text)!;
      ear.floors.set(channel, offset);
    }
    this.#ears.set(listener, ear);
    this.listeners.push(listener);
    listener.socket.on('session', ({ recovered, reasons }) => {
      if (!recovered) this.#recorder.report('lost', `${ear.name} was told ${JSON.stringify(reasons)}`);
    });
    listener.socket.on('outcome', (outcome: OutcomeEnvelope) => {
      this.#recorder.hear(ear, outcome, true);
      // All is in the history.
      listener.outcomes.length = 0;
    });
    listener.socket.on('progress', (progress) => this.#recorder.glimpse(ear, progress));
    listener.socket.on('event', (event) => {
      if ('offset' in event) this.#recorder.hear(ear, event, false);
      listener.events.length = 0;
    });
  }
}

function addressOf(
  resource: string,
  verb: Operation['verb'],
  id: string,
  payload: object,
): { path: string; body?: object } {
  const path = `/v1/${resource}/${id}`;
  if (verb === 'create') return { path: `/v1/${resource}`, body: { id, ...payload } };
  if (verb === 'addMember') return { path: `${path}/members/${(payload as { userId: string }).userId}` };
  return verb === 'delete' ? { path } : { path, body: payload };
}
