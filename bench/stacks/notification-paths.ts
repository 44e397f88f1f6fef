import type { NotificationPath } from './notification-path.ts';
import { eventBridge } from './paths/event-bridge.ts';
import { propagator } from './paths/propagator.ts';
import { redisAdapter } from './paths/redis-adapter.ts';
import { shardedAdapter } from './paths/sharded-adapter.ts';
import { streamsAdapter } from './paths/streams-adapter.ts';

const PATHS: Readonly<Record<string, NotificationPath>> = {
  propagator,
  'redis-adapter': redisAdapter,
  'sharded-adapter': shardedAdapter,
  'streams-adapter': streamsAdapter,
  'event-bridge': eventBridge,
};

/** @throws {Error} when there is no such stack */
export function notificationPathOf(stack: string): NotificationPath {
  const path = PATHS[stack];
  if (path === undefined) throw new Error(`STACK is ${stack}; there are ${Object.keys(PATHS).join(', ')}`);
  return path;
}
