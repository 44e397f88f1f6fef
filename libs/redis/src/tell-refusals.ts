import type { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';

/** What a node answered; of a cluster in which no node would do, the last one's answer. */
interface Refusal extends Error {
  lastNodeError?: Error;
}

/**
 * Says why Redis refuses a connection, which is known to be refused again: a wrong password, a
 * user that may not. That it cannot be reached is told by who needs it. Once, until it is taken;
 * and not the command, for the password is in it.
 */
export function tellRefusals(connection: EventEmitter, name: string): void {
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
