import { checkOf, encodeCursor } from './cursor.ts';
import type { Envelope } from './envelope.ts';

/** What makes an envelope. */
export interface WrittenEvent extends Pick<Envelope, 'id' | 'type' | 'subject' | 'time' | 'channel' | 'offset'> {
  traceparent?: string | null | undefined;
  /** JSON text. */
  data: string;
}

/**
 * An envelope whose data is JSON text already, as the ledger keeps it. Who only hands it on takes its
 * text: the data is then neither read nor written anew.
 */
export class WrittenEnvelope implements Envelope {
  readonly specversion = '1.0';
  readonly source = '/tidings';
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly channel: string;
  readonly offset: number;
  readonly cursor: string;
  declare readonly traceparent?: string;
  private readonly json: string;

  constructor({ id, type, subject, time, channel, offset, traceparent, data }: WrittenEvent) {
    this.id = id;
    this.type = type;
    this.subject = subject;
    this.time = time;
    this.channel = channel;
    this.offset = offset;
    this.cursor = encodeCursor({ channel, offset, check: checkOf(id) });
    if (traceparent) this.traceparent = traceparent;
    this.json = data;
  }

  /** Read anew each time. */
  get data(): unknown {
    return JSON.parse(this.json);
  }

  toJSON(): Envelope {
    return JSON.parse(this.text) as Envelope;
  }

  /** Its JSON. */
  get text(): string {
    const { id, type, subject, time, channel, offset, cursor, traceparent } = this;
    const trace = traceparent === undefined ? '' : `"traceparent":${JSON.stringify(traceparent)},`;
    return (
      `{"specversion":"1.0","id":"${id}","source":"/tidings","type":${JSON.stringify(type)},` +
      `"subject":${JSON.stringify(subject)},"time":"${time}","channel":${JSON.stringify(channel)},` +
      `"offset":${offset},"cursor":"${cursor}",${trace}"data":${this.json}}`
    );
  }
}

/** The JSON of an envelope, of whatever kind. */
export function textOf(envelope: object): string {
  return envelope instanceof WrittenEnvelope ? envelope.text : JSON.stringify(envelope);
}

/** The JSON of an envelope that comes from the ledger after a reconnect. */
export function replayedTextOf(envelope: Envelope): string {
  return `${textOf(envelope).slice(0, -1)},"replayed":true}`;
}
