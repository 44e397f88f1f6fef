import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { roomOf, type NotificationPath } from '../notification-path.ts';

/** socket.io's adapter on a Redis stream, with its recovery of what was missed in the last two minutes. */
export const streamsAdapter: NotificationPath = {
  createNotifier: (redisUrl) => {
    const io = new Server({ adapter: createAdapter(new Redis(redisUrl)) });
    return {
      toUser: (userId, event, data) => void io.to(roomOf(userId)).emit(event, data),
      toEveryone: (event, data) => void io.emit(event, data),
    };
  },
  attach: (io, redisUrl) => void io.adapter(createAdapter(new Redis(redisUrl))),
  serverOptions: { connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true } },
};
