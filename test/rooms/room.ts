import type { Ack, Action, Subscribed } from '#contracts';
import type { Listener, TestUser } from '#testing';

const ANSWER_MS = 10_000;

/** Submits, and waits for the outcome. */
export async function done(user: TestUser, method: string, path: string, body?: object): Promise<Action> {
  const { body: action } = await user.call<Action>(method, path, {
    ...(body && { body }),
    headers: { prefer: 'wait=20' },
  });
  if (!action.done) throw new Error(`${method} ${path} has no outcome: ${JSON.stringify(action)}`);
  return action;
}

/** A room of a user, with members. */
export async function newRoom(creator: TestUser, members: readonly TestUser[] = [], name = 'a room'): Promise<string> {
  const { resource } = await done(creator, 'POST', '/v1/rooms', { name });
  for (const { id } of members) await done(creator, 'PUT', `/v1/rooms/${resource.id}/members/${id}`);
  return resource.id;
}

export function subscribe({ socket }: Listener, roomId: string, cursor?: string): Promise<Ack<Subscribed>> {
  return socket
    .timeout(ANSWER_MS)
    .emitWithAck('subscribe', { channel: `room:${roomId}`, ...(cursor !== undefined && { cursor }) });
}

export function unsubscribe({ socket }: Listener, roomId: string): Promise<Ack> {
  return socket.timeout(ANSWER_MS).emitWithAck('unsubscribe', { channel: `room:${roomId}` });
}

/** The events of a room that somebody heard, as `type text`. */
export function heardOf({ events }: Listener, roomId: string): string[] {
  return events
    .filter(({ channel }) => channel === `room:${roomId}`)
    .map(({ type, data }) => {
      const { text, userId, name } = data as { text?: string; userId?: string; name?: string };
      return [type, text ?? userId ?? name].filter(Boolean).join(' ');
    });
}
