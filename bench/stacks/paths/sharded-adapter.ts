import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { roomOf, type NotificationPath } from '../notification-path.ts';

function adapterOf(redisUrl: string): ReturnType<typeof createShardedAdapter> {
  const publisher = new Redis(redisUrl);
  return createShardedAdapter(publisher, publisher.duplicate());
}

/** socket.io's adapter on sharded pub/sub. The emitter does not speak it: the worker has a server without clients. */
export const shardedAdapter: NotificationPath = {
  createNotifier: (redisUrl) => {
    const io = new Server({ adapter: adapterOf(redisUrl) });
    return {
      toUser: (userId, event, data) => void io.to(roomOf(userId)).emit(event, data),
      toEveryone: (event, data) => void io.emit(event, data),
    };
  },
  attach: (io, redisUrl) => void io.adapter(adapterOf(redisUrl)),
};
