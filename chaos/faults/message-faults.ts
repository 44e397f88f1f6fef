import { setTimeout as delay } from 'node:timers/promises';
import type { Meddle } from '#testing';
import { randomFrom, type Random } from '../schedule/random.ts';
import type { Fault } from './fault.ts';

interface Meddler {
  meddle: Meddle;
  /** Messages that did not pass as they should. */
  count: number;
}

/** Share of the messages that something happens to. */
const SHARE = 0.5;

/** As many are held before they all come, late and the last first. */
const HELD = 20;

const MEDDLERS: Readonly<Record<string, (random: Random) => Meddler>> = {
  lost: (random) => meddler(random, () => []),
  doubled: (random) => meddler(random, (message) => [message, message]),
  held: (random) => {
    const held: Buffer[] = [];
    return meddler(random, (message) => (held.push(message) < HELD ? [] : held.splice(0).toReversed()));
  },
  swapped: (random) => {
    let waiting: Buffer | undefined;
    return meddler(random, (message) => {
      const passing = waiting ? [message, waiting] : [];
      waiting = waiting ? undefined : message;
      return passing;
    });
  },
};

function meddler(random: Random, change: Meddle): Meddler {
  const result: Meddler = {
    count: 0,
    meddle: (message) => {
      if (random() >= SHARE) return [message];
      result.count += 1;
      return change(message);
    },
  };
  return result;
}

/** Between Redis and every gateway. Whatever is still held at the end is lost. */
const meddleWithMessages: Fault['strike'] = async ({ gateways }, { variant, victim, holdMs }) => {
  const random = randomFrom(Math.floor(victim * 0x1_0000_0000));
  const meddlers = gateways.map(() => MEDDLERS[variant!]!(random));
  for (const [index, { redis }] of gateways.entries()) redis.meddle = meddlers[index]!.meddle;
  try {
    await delay(holdMs);
  } finally {
    for (const { redis } of gateways) redis.meddle = undefined;
  }
  const count = meddlers.reduce((sum, one) => sum + one.count, 0);
  if (count === 0) throw new Error(`no message was ${variant}`);
  return `${count} published messages ${variant} within ${holdMs} ms`;
};

export const MESSAGE_FAULTS: readonly Fault[] = [
  {
    name: 'messages',
    targets: ['messages'],
    variants: Object.keys(MEDDLERS),
    holdMs: [3_000, 6_000],
    strike: meddleWithMessages,
  },
];
