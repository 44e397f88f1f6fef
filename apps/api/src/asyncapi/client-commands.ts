import type { ActionCatalogue, ActionType } from '#actions';
import { LONGEST_CURSOR, type ClientToServerEvents } from '#contracts';
import { BOOLEAN, CURSOR_REASON, STRING, TIME, UUID } from './envelope.schemas.ts';
import { objectOf, schemaRef, type JsonSchema } from './json-schema.ts';

/** A command of a client. */
interface Command {
  summary: string;
  /** What it may bring, each under a name of its own in the document. */
  payloads: Record<string, JsonSchema>;
  /** What its acknowledgement says beside `ok`. */
  answer: JsonSchema;
}

const CHANNEL: JsonSchema = { type: 'string', description: '`room:<id>`', maxLength: 1024 };
const CURSOR: JsonSchema = { type: 'string', maxLength: LONGEST_CURSOR };
const NOTHING = objectOf({});

/** All that the server accepts, by event. */
export function clientCommands({ types }: ActionCatalogue): Record<CommandName, Command> {
  return {
    submit: {
      summary: 'Submits an action, as by REST; on one socket, in the order of the commands',
      payloads: Object.fromEntries(types.map((type) => [`submit.${type.name}`, submitOf(type)])),
      answer: objectOf({ action: schemaRef('AcceptedActionView') }),
    },
    subscribe: {
      summary: 'Hears a room of which one is a member; what was missed since the cursor follows as `event`',
      payloads: { subscribe: objectOf({ channel: CHANNEL, cursor: CURSOR }, ['cursor']) },
      answer: objectOf({ recovered: BOOLEAN, reason: CURSOR_REASON, cursor: STRING }, ['reason']),
    },
    unsubscribe: {
      summary: 'Hears a room no more',
      payloads: { unsubscribe: objectOf({ channel: CHANNEL }) },
      answer: NOTHING,
    },
    presence: {
      summary: 'Asks who of a room is connected, over all instances, each user once',
      payloads: { presence: objectOf({ channel: CHANNEL }) },
      answer: objectOf({ users: { type: 'array', items: STRING } }),
    },
    refresh: {
      summary: 'Goes on beyond the expiry of the token, with a newer one of the same user; a guest becomes a user',
      payloads: { refresh: objectOf({ token: { type: 'string', maxLength: 16_384 } }) },
      answer: objectOf({ tokenExpiresAt: TIME }),
    },
    mirror: {
      summary: "Tells the user's other sockets what is done here",
      payloads: { mirror: objectOf({ event: { type: 'string', minLength: 1, maxLength: 100 }, data: {} }, ['data']) },
      answer: NOTHING,
    },
    delivered: {
      summary: 'Notes up to where a channel is handled; only ever moves forward',
      payloads: { delivered: objectOf({ cursor: CURSOR }) },
      answer: NOTHING,
    },
  };
}

type CommandName = keyof ClientToServerEvents | 'presence';

/** The acknowledgement of a command. */
export function ackOf({ answer }: Command): JsonSchema {
  const accepted = { allOf: [objectOf({ ok: { const: true } }), answer] };
  return { oneOf: [accepted, objectOf({ ok: { const: false }, problem: schemaRef('ProblemView') })] };
}

function submitOf({ name, verb, handler: { payload } }: ActionType): JsonSchema {
  const optional = ['idempotencyKey', 'ifMatch', ...(verb === 'create' ? ['resourceId'] : [])];
  const properties = {
    type: { const: name },
    resourceId: UUID,
    ...(payload && { payload: schemaRef(payload.name) }),
    idempotencyKey: { type: 'string', minLength: 8, maxLength: 255 },
    ifMatch: STRING,
  };
  return objectOf(properties, optional);
}
