import type { Ack } from '#contracts';
import type { Listener } from '#testing';

/** Emits what the types need not allow, and waits for the ack. */
export function ackOf<Result extends object = object>(
  { socket }: Listener,
  event: string,
  ...args: unknown[]
): Promise<Ack<Result>> {
  const untyped = socket.timeout(10_000) as unknown as {
    emitWithAck: (event: string, ...args: unknown[]) => Promise<Ack<Result>>;
  };
  return untyped.emitWithAck(event, ...args);
}
