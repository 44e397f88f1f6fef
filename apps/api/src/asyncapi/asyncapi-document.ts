import type { OpenAPIObject } from '@nestjs/swagger';
import type { ActionCatalogue } from '#actions';
import { ackOf, clientCommands } from './client-commands.ts';
import { CONTRACT_SCHEMAS } from './envelope.schemas.ts';
import { toJsonSchema, type JsonSchema } from './json-schema.ts';
import { serverMessages, type Message } from './server-messages.ts';

interface Operation {
  action: 'send' | 'receive';
  channel: JsonSchema;
  title: string;
  messages: JsonSchema[];
  security: JsonSchema[];
  reply?: { channel: JsonSchema; messages: JsonSchema[] };
}

const DESCRIPTION = `What is heard and said over socket.io v4: path \`/socket.io\`, namespace \`/\`, the token as \`auth.token\`
of the handshake. Each message is a socket.io event; replies are acknowledgements. Operations are named from the
server's side: it sends what clients hear, and receives their commands.`;

const CHANNEL = { $ref: '#/channels/namespace' };
const SECURITY = [{ $ref: '#/components/securitySchemes/bearer' }];

/**
 * The AsyncAPI 3.0 document of the sockets: every action type and every event of every resource.
 *
 * @param schemas those of the OpenAPI document, which has all DTOs
 * @param sockets base URLs of the socket apps
 */
export function asyncApiDocument(
  catalogue: ActionCatalogue,
  { components }: OpenAPIObject,
  sockets: readonly string[],
): object {
  const messages: Record<string, Message> = {};
  const operations: Record<string, Operation> = {};
  const add = (more: Record<string, Message>): JsonSchema[] => {
    Object.assign(messages, more);
    return Object.keys(more).map((id) => ({ $ref: `#/channels/namespace/messages/${id}` }));
  };

  for (const [name, sent] of Object.entries(serverMessages(catalogue))) {
    const title = `Emits \`${name}\``;
    operations[name] = { action: 'send', channel: CHANNEL, title, messages: add(sent), security: SECURITY };
  }
  for (const [name, command] of Object.entries(clientCommands(catalogue))) {
    const said = Object.entries(command.payloads).map(([id, payload]) => [
      `command.${id}`,
      { name, title: id, payload },
    ]);
    const ack = { [`ack.${name}`]: { name, title: `The acknowledgement of ${name}`, payload: ackOf(command) } };
    operations[`command.${name}`] = {
      action: 'receive',
      channel: CHANNEL,
      title: command.summary,
      messages: add(Object.fromEntries(said) as Record<string, Message>),
      security: SECURITY,
      reply: { channel: CHANNEL, messages: add(ack) },
    };
  }

  return {
    asyncapi: '3.0.0',
    info: { title: 'Tidings sockets', version: '1', description: DESCRIPTION },
    defaultContentType: 'application/json',
    ...(sockets.length > 0 && { servers: serversOf(sockets) }),
    channels: {
      namespace: {
        address: '/',
        title: 'The socket.io namespace',
        messages: Object.fromEntries(Object.keys(messages).map((id) => [id, { $ref: `#/components/messages/${id}` }])),
      },
    },
    operations,
    components: {
      messages,
      schemas: { ...(toJsonSchema(components?.schemas ?? {}) as object), ...CONTRACT_SCHEMAS },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function serversOf(sockets: readonly string[]): object {
  const servers = sockets.map((address, index) => {
    const { host, protocol } = new URL(address);
    return [`socket-${index + 1}`, { host, pathname: '/socket.io', protocol: protocol === 'https:' ? 'wss' : 'ws' }];
  });
  return Object.fromEntries(servers) as object;
}
