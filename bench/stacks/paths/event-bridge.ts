import { QueueEvents } from 'bullmq';
import { MESSAGES_QUEUE } from '../app/messages-queue.ts';
import { emitHere, type Notification, type NotificationPath } from '../notification-path.ts';

/** No path of its own: every socket process listens to the events of the queue, which carry what jobs return. */
export const eventBridge: NotificationPath = {
  createNotifier: () => ({
    toUser: (userId, event, data): Notification => ({ userId, event, data }),
    toEveryone: (event, data): Notification => ({ event, data }),
  }),
  attach: async (io, redisUrl) => {
    const events = new QueueEvents(MESSAGES_QUEUE, { connection: { url: redisUrl } });
    events.on('completed', ({ returnvalue }) => emitHere(io, returnvalue as unknown as Notification));
    await events.waitUntilReady();
  },
};
