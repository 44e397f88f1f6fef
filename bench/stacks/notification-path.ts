import type { Server, ServerOptions } from 'socket.io';

/** How an outcome gets from the worker to the sockets of its user: all that stock stacks differ in. */
export interface NotificationPath {
  /** What the worker tells outcomes through. */
  createNotifier: (redisUrl: string) => Notifier | Promise<Notifier>;
  /** Prepares the socket.io server of a socket process, before it listens. */
  attach: (io: Server, redisUrl: string) => void | Promise<void>;
  serverOptions?: Partial<ServerOptions>;
}

/** Each method's result becomes the return value of the job. */
export interface Notifier {
  toUser: (userId: string, event: string, data: object) => unknown;
  toEveryone: (event: string, data: object) => unknown;
}

/** A message for one user, or for everyone. */
export interface Notification {
  userId?: string;
  event: string;
  data: object;
}

/** The socket.io room of all sockets of a user. */
export function roomOf(userId: string): string {
  return `user:${userId}`;
}

/** Tells those who are connected to this process. */
export function emitHere(io: Server, { userId, event, data }: Notification): void {
  if (userId === undefined) io.local.emit(event, data);
  else io.local.to(roomOf(userId)).emit(event, data);
}
