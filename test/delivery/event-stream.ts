import type { Envelope, Session } from '#contracts';
import { eventually } from '#testing';

export interface StreamedEvent {
  event: string;
  id: string | undefined;
  data: Envelope;
}

export interface EventStreamOptions {
  token: string;
  lastEventId?: string;
  after?: string;
}

/** A client of Server-Sent Events that records all it hears. */
export class EventStream {
  readonly events: StreamedEvent[] = [];
  ended = false;
  readonly #abort = new AbortController();

  private constructor(private readonly url: string) {}

  /** Opens `GET /v1/outcomes/stream`, and waits for the session. */
  static async open(socket: { url: string }, { token, lastEventId, after }: EventStreamOptions): Promise<EventStream> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const stream = new EventStream(`${socket.url}/v1/outcomes/stream${query}`);
    await stream.start({
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    });
    return stream;
  }

  get session(): Session {
    const first = this.events.find(({ event }) => event === 'session');
    if (!first) throw new Error('no session was heard');
    return first.data as unknown as Session;
  }

  get outcomes(): StreamedEvent[] {
    return this.events.filter(({ event }) => event === 'outcome');
  }

  get offsets(): number[] {
    return this.outcomes.map(({ data }) => data.offset);
  }

  close(): void {
    this.#abort.abort();
  }

  private async start(headers: Record<string, string>): Promise<void> {
    const response = await fetch(this.url, { headers, signal: this.#abort.signal });
    if (!response.ok || !response.body) throw new Error(`the stream was answered ${response.status}`);
    void this.read(response.body).catch(() => undefined);
    await eventually(() => this.session, { timeoutMs: 10_000 });
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) this.keep(block);
      }
    } finally {
      this.ended = true;
    }
  }

  private keep(block: string): void {
    const fields = new Map(
      block.split('\n').map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }),
    );
    const [event, data] = [fields.get('event'), fields.get('data')];
    if (event === undefined || data === undefined) return;
    this.events.push({ event, id: fields.get('id'), data: JSON.parse(data) as Envelope });
  }
}
