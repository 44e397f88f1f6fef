import type { Socket } from 'socket.io-client';
import type { Ack, ClientToServerEvents, ServerToClientEvents } from '#contracts';
import type { Listener } from '#testing';

/** Says on a listener's connection that its user has handled a channel up to a cursor. */
export function reportDelivered({ socket }: Listener, cursor: string): Promise<Ack> {
  const typed = socket as unknown as Socket<ServerToClientEvents, Required<ClientToServerEvents>>;
  return typed.timeout(5_000).emitWithAck('delivered', { cursor });
}
