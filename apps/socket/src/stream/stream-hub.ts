import { Injectable } from '@nestjs/common';
import { textOf, type EphemeralEnvelope, type Envelope } from '#contracts';
import { encodeServerSentEvent } from './server-sent-event.ts';

/** An open event stream. */
export interface EventStream {
  /** Writes encoded events. */
  write: (text: string) => void;
}

/** Which event streams are in which channels. */
@Injectable()
export class StreamHub {
  readonly #streams = new Map<string, Set<EventStream>>();

  enter(channel: string, stream: EventStream): void {
    const streams = this.#streams.get(channel) ?? new Set();
    this.#streams.set(channel, streams.add(stream));
  }

  leave(channel: string, stream: EventStream): void {
    const streams = this.#streams.get(channel);
    streams?.delete(stream);
    if (streams?.size === 0) this.#streams.delete(channel);
  }

  /** Sends to every stream in the channel of an envelope; encoded once. */
  send(name: string, envelope: Envelope | EphemeralEnvelope): void {
    const streams = this.#streams.get(envelope.channel);
    if (!streams) return;
    const cursor = 'cursor' in envelope ? envelope.cursor : undefined;
    const text = encodeServerSentEvent(name, textOf(envelope), cursor);
    for (const stream of streams) stream.write(text);
  }
}
