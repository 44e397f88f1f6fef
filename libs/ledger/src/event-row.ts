import { WrittenEnvelope, type Envelope } from '#contracts';
import { outcomeText, resourceTypeOf, type OutcomeRow } from './action-row.ts';

/** An event as the ledger keeps it. */
export interface EventRow {
  id: string;
  channel: string;
  offset: number;
  type: string;
  /** `<resource>/<id>` */
  subject: string;
  created_at: string;
  /** JSON text. */
  data: string;
  /** Of outcomes, when their submit had one. */
  traceparent?: string | null;
}

/** The envelope of an event; the same whether it is published or replayed. */
export function toEnvelope(event: EventRow): Envelope {
  return new WrittenEnvelope({ ...event, time: event.created_at });
}

/** The event that tells the owner how an action ended. */
export function outcomeEvent(
  position: Pick<EventRow, 'id' | 'channel' | 'offset' | 'created_at'>,
  row: OutcomeRow,
): EventRow {
  return {
    ...position,
    type: `action.${row.status}`,
    subject: `${resourceTypeOf(row.type)}/${row.resource_id}`,
    data: outcomeText(row),
    traceparent: row.traceparent,
  };
}
