import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { atMost, percentile, type Figure } from './figure.ts';
import { Installation, type Servers } from './installation.ts';

const PER_SECOND = 200;
const SECONDS = 20;
const MEMBERS = 20;
const TICK_MS = 5;

/** How often a member is added while messages stream into the room, in milliseconds. */
const ADD_EVERY_MS = 500;

/** Everybody writes into one room, whose members change meanwhile: messages share its lock, changes need it alone. */
export async function measureHotRoom(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, 2);
  const users = await Promise.all(Array.from({ length: MEMBERS }, (_, index) => system.headersOf(`user-${index}`)));
  const room = randomUUID();
  const { url } = system.apis[0]!;
  let accepted = 0;
  const submit = async (user: number, method: string, path: string, body?: object): Promise<void> => {
    const { authorization, ...json } = users[user]!;
    const headers = { authorization: authorization!, ...(body && json) };
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    await answer.body?.cancel();
    if (answer.status === 202) accepted += 1;
  };
  await submit(0, 'POST', '/v1/rooms', { name: 'hot', id: room });
  for (let user = 1; user < MEMBERS; user += 1) await submit(0, 'PUT', `/v1/rooms/${room}/members/user-${user}`);
  await system.ledger.settled(60_000);

  const all: Promise<void>[] = [];
  const startedAt = performance.now();
  let messages = 0;
  let added = 0;
  for (let elapsed = 0; elapsed < SECONDS * 1_000; elapsed = performance.now() - startedAt) {
    for (; messages < (elapsed / 1_000) * PER_SECOND; messages += 1) {
      all.push(submit(messages % MEMBERS, 'POST', '/v1/messages', { text: `message ${messages}`, roomId: room }));
    }
    for (; added < elapsed / ADD_EVERY_MS; added += 1)
      all.push(submit(0, 'PUT', `/v1/rooms/${room}/members/new-${added}`));
    await delay(TICK_MS);
  }
  await Promise.all(all);
  const drainedMs = await system.ledger.settled(60_000);
  const [said, changed] = [
    await system.latencies(`type = 'messages.create'`),
    await system.latencies(`type = 'rooms.addMember' and payload->>'userId' like 'new-%'`),
  ];
  const { ended } = await system.ledger.report();
  const figures = await system.judge('hot room', accepted);
  await system.stop();
  return [
    { name: 'hot room: offered', value: `${PER_SECOND} messages/s for ${SECONDS} s, ${added} members added` },
    ...figures,
    {
      name: 'hot room: succeeded',
      value: ended['succeeded'] ?? 0,
      wanted: 'all',
      holds: ended['succeeded'] === accepted,
    },
    { name: 'hot room: message → outcome p50 / p99', value: both(said) },
    { name: 'hot room: added → outcome p50 / p99', value: both(changed) },
    atMost('hot room: slowest of them', Math.max(...said, ...changed) / 1_000, 10, ' s'),
    atMost('hot room: drained after', drainedMs / 1_000, 10, ' s'),
  ];
}

function both(values: readonly number[]): string {
  return `${Math.round(percentile(values, 0.5))} / ${Math.round(percentile(values, 0.99))} ms`;
}
