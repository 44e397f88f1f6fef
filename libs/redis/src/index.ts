export { connectNode, type NodeSettings } from './connect-node.ts';
export { connectRedis, type ConnectionSettings, type RedisConnection } from './connect-redis.ts';
export { SlotOwners } from './slot-owners.ts';
