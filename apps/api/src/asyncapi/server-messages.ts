import { OUTCOME_STATUSES, type ServerToClientEvents } from '#contracts';
import type { ActionCatalogue, ActionType } from '#actions';
import { envelopeOf, STRING } from './envelope.schemas.ts';
import { objectOf, schemaRef, type JsonSchema } from './json-schema.ts';

/** A message under a name of its own in the document; `name` is the event of socket.io that carries it. */
export interface Message {
  name: string;
  title: string;
  payload: JsonSchema;
}

const OUTCOME_TYPES = OUTCOME_STATUSES.map((status) => `action.${status}`);

/** All that the server emits, by event. */
export function serverMessages({
  types,
  resources,
}: ActionCatalogue): Record<keyof ServerToClientEvents, Record<string, Message>> {
  const events = resources.flatMap((resource) => Object.entries(resource.events));
  return {
    session: {
      session: message('session', 'The first message of a connection, before any replay', schemaRef('Session')),
    },
    outcome: Object.fromEntries(types.map((type) => [`outcome.${type.name}`, outcomeOf(type)])),
    event: Object.fromEntries([
      ...events.map(([type, { name }]) => event('Envelope', type, schemaRef(name), `${type}, kept and replayed`)),
      ...PRESENCE.map((type) => event('EphemeralEnvelope', type, MEMBER, `${type}, once a user`)),
      event('EphemeralEnvelope', 'mirror', MIRROR, 'What another socket of the same user does'),
    ]),
    progress: {
      progress: message(
        'progress',
        'How far a long action is',
        envelopeOf('EphemeralEnvelope', ['action.progress'], schemaRef('Progress')),
      ),
    },
    goaway: { goaway: message('goaway', 'The server is about to end this connection', schemaRef('Goaway')) },
  };
}

const PRESENCE = ['presence.joined', 'presence.left'];
const MEMBER = objectOf({ channel: STRING, userId: STRING });
const MIRROR = objectOf({ event: STRING, data: {} }, ['data']);

function message(name: keyof ServerToClientEvents, title: string, payload: JsonSchema): Message {
  return { name, title, payload };
}

function event(
  kind: 'Envelope' | 'EphemeralEnvelope',
  type: string,
  data: JsonSchema,
  title: string,
): [string, Message] {
  return [`event.${type}`, message('event', title, envelopeOf(kind, [type], data))];
}

/** The outcome of an action type: `response` is the resource after the change, null once it is deleted. */
function outcomeOf({ name, verb, resource }: ActionType): Message {
  const response = verb === 'delete' ? { type: 'null' } : schemaRef(resource.view.name);
  const properties = { type: { const: name }, response };
  const action = { allOf: [schemaRef('ActionView'), { type: 'object', properties }] };
  return message('outcome', `The outcome of ${name}`, envelopeOf('Envelope', OUTCOME_TYPES, action));
}
