import { createAdapter } from '@socket.io/redis-adapter';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { roomOf, type NotificationPath } from '../notification-path.ts';

/** socket.io's classic adapter, and its emitter in the worker. */
export const redisAdapter: NotificationPath = {
  createNotifier: (redisUrl) => {
    const emitter = new Emitter(new Redis(redisUrl));
    return {
      toUser: (userId, event, data) => void emitter.to(roomOf(userId)).emit(event, data),
      toEveryone: (event, data) => void emitter.emit(event, data),
    };
  },
  attach: (io, redisUrl) => {
    const publisher = new Redis(redisUrl);
    io.adapter(createAdapter(publisher, publisher.duplicate()));
  },
};
