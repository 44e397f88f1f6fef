import { createClient, TidingsError, type TidingsClient } from '#client';
import { decodeCursor, roomChannel } from '#contracts';
import { token } from '#testing';
import type { Ear, Submit } from '../history/history.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Operation } from './operation.ts';
import { submit, type Answer } from './submission.ts';

/** How long the client tries by itself; we go on with the same key. */
const WITHIN_MS = 10_000;

/** Codes after which the same submit may still be accepted. */
const AGAIN = new Set(['NETWORK', 'UNAVAILABLE', 'UNEXPECTED_ANSWER', 'RATE_LIMITED']);

/** Somebody who submits and listens with the client library. */
export class ClientUser {
  readonly id: string;
  readonly #client: TidingsClient;
  readonly #recorder: Recorder;
  readonly #ear: Ear;
  #isClosed = false;

  private constructor(id: string, client: TidingsClient, recorder: Recorder) {
    this.id = id;
    this.#client = client;
    this.#recorder = recorder;
    this.#ear = recorder.addEar(`${id} (client library)`, id);
  }

  static async join(id: string, api: string, socket: string, recorder: Recorder): Promise<ClientUser> {
    const client = createClient({
      ...{ baseUrl: api, socketUrl: socket, submitWithinMs: WITHIN_MS },
      token: () => token(id),
    });
    const user = new ClientUser(id, client, recorder);
    await user.listen();
    return user;
  }

  /** Actions that were accepted, and of which the library does not know the outcome. */
  get pending(): number {
    return this.#client.pending.length;
  }

  submit(operation: Operation, patienceMs: number): Promise<Submit> {
    const send = (key: string): Promise<Answer> => this.send(operation, key);
    return submit({ recorder: this.#recorder, owner: this.id, operation, send, patienceMs });
  }

  async enter(roomId: string): Promise<void> {
    const subscription = this.#client.room(roomId).subscribe(() => undefined);
    const { cursor } = await subscription.ready;
    this.#ear.floors.set(roomChannel(roomId), decodeCursor(cursor)!.offset);
    void subscription.ended.then((error) => {
      if (error && !this.#isClosed)
        this.#recorder.report('lost', `${this.#ear.name} hears ${roomId} no more: ${String(error)}`);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  private async send({ resource, verb, id, payload }: Operation, idempotencyKey: string): Promise<Answer> {
    const client = this.#client.resource(resource);
    const options = { idempotencyKey };
    try {
      const { action, outcome } = await (verb === 'create'
        ? client.create(payload, { ...options, id })
        : verb === 'edit'
          ? client.edit(id, payload, options)
          : client.delete(id, options));
      // That it resolves is checked by `pending`; that it fails is told when the client is closed.
      outcome().catch(() => undefined);
      return { actionId: action.id };
    } catch (error) {
      if (!(error instanceof TidingsError) || AGAIN.has(error.code)) throw error;
      return { refusal: error.code };
    }
  }

  private async listen(): Promise<void> {
    const client = this.#client;
    const { cursors } = await client.connect();
    for (const text of cursors) {
      const { channel, offset } = decodeCursor(text)!;
      this.#ear.floors.set(channel, offset);
    }
    client.on('session', ({ recovered, reasons }) => {
      if (!recovered) this.#recorder.report('lost', `${this.#ear.name} was told ${JSON.stringify(reasons)}`);
    });
    client.on('outcome', (outcome) => this.#recorder.hear(this.#ear, outcome, true));
    client.on('progress', (progress) => this.#recorder.glimpse(this.#ear, progress));
    client.on('event', (event) => {
      if ('offset' in event) this.#recorder.hear(this.#ear, event, false);
    });
  }
}
