import { Logger } from '@nestjs/common';
import type { RedisConnection } from './connect-redis.ts';

/** What a node answered; of a cluster in which no node would do, the last one's answer. */
interface Refusal extends Error {
  lastNodeError?: Error;
}

/**
 * Says why Redis refuses a connection, which is known to be refused again: a wrong password, a
 * user that may not. That it cannot be reached is told by who needs it. Once, until it is taken;
 * and not the command, for the password is in it.
 */
export function tellRefusals(connection: RedisConnection, name: string): void {
  const logger = new Logger('Redis');
  let told: string | undefined;
  // Without a listener, ioredis would print every error.
  connection.on('error', (error: Refusal) => {
    const { name: kind, message } = error.lastNodeError ?? error;
    if (kind !== 'ReplyError' || message === told) return;
    told = message;
    logger.error(`refuses ${name}: ${message}`);
  });
  connection.on('ready', () => (told = undefined));
}
