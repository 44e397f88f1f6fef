import { Redis } from 'ioredis';
import { emitHere, type Notification, type NotificationPath } from '../notification-path.ts';

const CHANNEL = 'socket-events';

/** One Redis channel that every socket process is subscribed to; who has a socket of the user emits. */
export const propagator: NotificationPath = {
  createNotifier: (redisUrl) => {
    const redis = new Redis(redisUrl);
    const publish = (notification: Notification): Promise<number> =>
      redis.publish(CHANNEL, JSON.stringify(notification));
    return {
      toUser: async (userId, event, data) => void (await publish({ userId, event, data })),
      toEveryone: async (event, data) => void (await publish({ event, data })),
    };
  },
  attach: async (io, redisUrl) => {
    const redis = new Redis(redisUrl);
    redis.on('message', (_channel, message) => emitHere(io, JSON.parse(message) as Notification));
    await redis.subscribe(CHANNEL);
  },
};
