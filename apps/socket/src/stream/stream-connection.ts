import type { ServerResponse } from 'node:http';
import { v4 as uuidv4 } from 'uuid';
import type { Identity } from '#auth';
import { eventNameOf, replayedTextOf, type Envelope } from '#contracts';
import { Connection, FAREWELL_MS, type DirectMessages } from '../connections/connection.ts';
import { encodeServerSentEvent } from './server-sent-event.ts';
import type { StreamHub } from './stream-hub.ts';

/** A client of Server-Sent Events. */
export class StreamConnection extends Connection {
  readonly id = uuidv4();
  #messages = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly response: ServerResponse,
    private readonly hub: StreamHub,
    identity: Identity,
  ) {
    super(identity);
  }

  get isOpen(): boolean {
    return !this.response.writableEnded && !this.response.destroyed;
  }

  send<Name extends keyof DirectMessages>(name: Name, message: DirectMessages[Name]): void {
    const [position] = 'cursors' in message ? message.cursors : [];
    this.write(encodeServerSentEvent(name, JSON.stringify(message), position));
  }

  replay(event: Envelope): void {
    this.write(encodeServerSentEvent(eventNameOf(event.type), replayedTextOf(event), event.cursor));
  }

  /** Writes what is encoded already. */
  write(text: string): void {
    if (!this.isOpen) return;
    this.#messages += 1;
    this.response.write(text, () => {
      this.#messages -= 1;
      this.goOn();
    });
  }

  enter(channel: string): void {
    this.hub.enter(channel, this);
  }

  leave(channel: string): void {
    this.hub.leave(channel, this);
  }

  get waiting(): { messages: number; bytes: number } {
    return { messages: this.#messages, bytes: this.response.writableLength };
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  private goOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  protected close(atOnce: boolean): void {
    if (atOnce) return void this.response.destroy();
    this.response.end();
    // It may be waiting for a client that does not read.
    setTimeout(() => this.response.destroy(), FAREWELL_MS).unref();
  }
}
