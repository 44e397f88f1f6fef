import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, token } from '#testing';
import { RawClient } from '../../bench/delivery/raw-client.ts';
import type { Load } from '../load/load.ts';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Stage } from '../stage/stage.ts';
import type { Fault } from './fault.ts';

/** Clients that connect at the same moment, besides all that are there. */
const STORM = 300;

/** Times that every connection is broken in a storm, and the time between two, in milliseconds. */
const GUSTS = 3;
const GUST_EVERY_MS = 400;

/** How soon they come back, in milliseconds: five times as soon as socket.io's client. */
const RETRY_MS = 200;

/** How long a storm may take, in milliseconds. */
const STORM_MS = 60_000;

async function storm({ lines }: Stage, { holdMs }: PlannedFault): Promise<string> {
  const before = lines.reduce((sum, { counts }) => sum + counts.ended, 0);
  const jwt = await token('crowd');
  const crowd = Array.from(
    { length: STORM },
    (_, index) => new RawClient(lines[index % lines.length]!.url, jwt, RETRY_MS),
  );
  const arriving = Promise.all(crowd.map((client) => client.connect()));
  for (let gust = 0; gust < GUSTS; gust += 1) {
    await delay(GUST_EVERY_MS);
    for (const line of lines) line.endAll();
  }
  await Promise.race([arriving, delay(STORM_MS, undefined, { ref: false })]);
  const arrived = crowd.filter(({ sessions }) => sessions.length > 0).length;
  await delay(holdMs);
  for (const client of crowd) client.close();
  const ended = lines.reduce((sum, { counts }) => sum + counts.ended, 0) - before;
  if (arrived < STORM) throw new Error(`${arrived} of ${STORM} clients have a session after ${STORM_MS} ms`);
  return `${ended} connections broken, ${arrived} new clients at once have a session`;
}

/** What a message may hold, in characters of four bytes, and how many are under way. */
const LONGEST = 4_000;
const AT_ONCE = 20;

const DROPPED = /^tidings_goaways_total\{[^}]*reason="slow_consumer"[^}]*\} (\d+)/m;

/** How many clients all gateways have dropped since they started, because they did not read. */
async function dropsOf({ gateways }: Stage): Promise<number> {
  const texts = await Promise.all(
    gateways.map(async ({ app }) => (await fetch(`${app.url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text()),
  );
  return texts.reduce((sum, text) => sum + Number(DROPPED.exec(text)?.[1] ?? 0), 0);
}

async function readSlowly(stage: Stage, { holdMs }: PlannedFault, load: Load): Promise<string> {
  const before = await dropsOf(stage);
  const dropped = new AbortController();
  stage.slowLine.hang();
  try {
    const dropping = eventually(
      async () => {
        if ((await dropsOf(stage)) <= before) throw new Error('no gateway has dropped the client that does not read');
      },
      { timeoutMs: holdMs, everyMs: 200 },
    ).finally(() => dropped.abort());
    const [sent] = await Promise.all([flood(load, dropped.signal), dropping]);
    return `a client that did not read was dropped after ${sent} long messages`;
  } finally {
    stage.slowLine.heal();
  }
}

/**
 * Has the slow client told of long messages: how many the buffers of the system take in differs.
 *
 * @returns how many, once it is to end
 */
async function flood({ slow }: Load, end: AbortSignal): Promise<number> {
  const text = '🙂'.repeat(LONGEST);
  let sent = 0;
  const send = async (): Promise<void> => {
    while (!end.aborted) {
      sent += 1;
      await slow.submit({ resource: 'messages', verb: 'create', id: randomUUID(), payload: { text } }, 60_000);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  return sent;
}

export const CLIENT_FAULTS: readonly Fault[] = [
  {
    name: 'slow-consumer',
    // Whether it is dropped is to depend on nothing else.
    targets: ['clients', 'gateways', 'postgres', 'redis', 'messages', 'apis'],
    holdMs: [30_000, 30_000],
    strike: readSlowly,
  },
  { name: 'reconnect-storm', targets: ['clients'], holdMs: [0, 1_000], strike: storm },
];
