import { CURSOR_REASONS, GOAWAY_REASONS, type Envelope, type Goaway, type Progress, type Session } from '#contracts';
import { objectOf, orNull, schemaRef, type JsonSchema } from './json-schema.ts';

export const STRING: JsonSchema = { type: 'string' };
export const UUID: JsonSchema = { type: 'string', format: 'uuid' };
export const TIME: JsonSchema = { type: 'string', format: 'date-time' };
export const BOOLEAN: JsonSchema = { type: 'boolean' };
export const CURSOR_REASON: JsonSchema = { enum: CURSOR_REASONS };

/** Says how each property of a type of the contract looks: one that is added there is missed here by the compiler. */
type PropertiesOf<T> = Record<keyof T, JsonSchema>;

const PLACE = {
  offset: { type: 'integer', minimum: 1 },
  cursor: STRING,
  traceparent: STRING,
  replayed: { const: true },
};

const EPHEMERAL: Omit<PropertiesOf<Envelope>, keyof typeof PLACE> = {
  specversion: { const: '1.0' },
  id: UUID,
  source: { const: '/tidings' },
  type: STRING,
  subject: { type: 'string', description: '`<resource>/<id>`' },
  time: TIME,
  channel: { type: 'string', description: '`user:<id>`, `room:<id>`, `authenticated` or `everyone`' },
  data: {},
};

const SESSION: PropertiesOf<Session> = {
  userId: orNull(STRING),
  instance: STRING,
  recovered: { type: 'boolean', description: 'every given cursor is honoured whole' },
  reasons: { type: 'object', description: 'why not, by channel', additionalProperties: CURSOR_REASON },
  cursors: { type: 'array', items: STRING },
  tokenExpiresAt: orNull(TIME),
};

const GOAWAY: PropertiesOf<Goaway> = {
  reason: { enum: GOAWAY_REASONS },
  reconnectInMs: { type: 'integer', minimum: 0 },
};

const PROGRESS: PropertiesOf<Progress> = {
  actionId: UUID,
  percent: { type: 'number', minimum: 0, maximum: 100 },
  note: STRING,
};

/** The types of `#contracts` that no route of REST has. */
export const CONTRACT_SCHEMAS: Record<string, JsonSchema> = {
  Envelope: {
    description: 'An event with its place in a channel: CloudEvents 1.0',
    ...objectOf({ ...EPHEMERAL, ...PLACE }, ['traceparent', 'replayed']),
  },
  EphemeralEnvelope: { description: 'An event that is not kept, and never replayed', ...objectOf(EPHEMERAL) },
  Session: objectOf(SESSION, ['reasons']),
  Goaway: objectOf(GOAWAY),
  Progress: objectOf(PROGRESS),
};

/** An envelope of events of these types, with this as `data`. */
export function envelopeOf(kind: 'Envelope' | 'EphemeralEnvelope', types: string[], data: JsonSchema): JsonSchema {
  return { allOf: [schemaRef(kind), { type: 'object', properties: { type: { enum: types }, data } }] };
}
