import type { Socket } from 'socket.io-client';
import type { Ack, ServerToClientEvents } from '#contracts';
import type { Listener } from '#testing';

interface DeliveredEvents {
  delivered: (command: { cursor: string }, ack: (answer: Ack) => void) => void;
}

/** Says on a listener's connection that its user has handled a channel up to a cursor. */
export function reportDelivered({ socket }: Listener, cursor: string): Promise<Ack> {
  const typed = socket as unknown as Socket<ServerToClientEvents, DeliveredEvents>;
  return typed.timeout(5_000).emitWithAck('delivered', { cursor });
}
