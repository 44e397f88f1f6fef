import { checkOf, encodeCursor, type Envelope } from '#contracts';
import { toAction, type OutcomeRow } from './action-row.ts';

/** An event as the ledger keeps it. */
export interface EventRow {
  id: string;
  channel: string;
  offset: number;
  type: string;
  /** `<resource>/<id>` */
  subject: string;
  created_at: string;
  data: unknown;
  /** Of outcomes, when their submit had one. */
  traceparent?: string | null;
}

/** The envelope of an event; the same whether it is published or replayed. */
export function toEnvelope(event: EventRow): Envelope {
  return {
    specversion: '1.0',
    id: event.id,
    source: '/tidings',
    type: event.type,
    subject: event.subject,
    time: event.created_at,
    channel: event.channel,
    offset: event.offset,
    cursor: encodeCursor({ channel: event.channel, offset: event.offset, check: checkOf(event.id) }),
    ...(event.traceparent && { traceparent: event.traceparent }),
    data: event.data,
  };
}

/** The event that tells the owner how an action ended. */
export function outcomeEvent(
  position: Pick<EventRow, 'id' | 'channel' | 'offset' | 'created_at'>,
  row: OutcomeRow,
): EventRow {
  const action = toAction(row);
  return {
    ...position,
    type: `action.${action.status}`,
    subject: `${action.resource.type}/${action.resource.id}`,
    data: action,
    traceparent: row.traceparent,
  };
}
