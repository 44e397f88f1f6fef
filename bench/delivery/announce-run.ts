import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { RedisPublishes } from '../../test/audiences/redis-publishes.ts';
import { tokenOf, type BenchSystem } from './system.ts';

/** Connected at once while it is prepared. */
const CHUNK = 100;

const AUDIENCES = ['everyone', 'authenticated'];

/** Every so many connections one is a guest's. */
const GUEST_EVERY = 5;

/** How long it is watched for doubles, once everyone has heard, in milliseconds. */
const WATCHED_MS = 2_000;

export interface AnnounceRun {
  audience: string;
  connections: number;
  /** Connections that it was for. */
  addressed: number;
  /** Of these, how many heard it exactly once. */
  once: number;
  doubled: number;
  /** Others that heard it. */
  astray: number;
  /** On the channel of the audience. */
  publishes: number;
  /** From the submit until the last one had heard. */
  tookMs: number;
}

interface Client {
  socket: Socket;
  isGuest: boolean;
  /** How often it heard each audience's announcement. */
  heard: Map<string, number>;
}

/** Announces to many connections, users and guests, spread over all instances. */
export async function runAnnouncements(system: BenchSystem, connections: number): Promise<AnnounceRun[]> {
  const clients: Client[] = [];
  for (let start = 0; start < connections; start += CHUNK) {
    const size = Math.min(CHUNK, connections - start);
    const chunk = Array.from({ length: size }, (_, index) => connect(system, start + index));
    clients.push(...(await Promise.all(chunk)));
  }
  const publishes = await RedisPublishes.count(system.redis.url, 'tidings', AUDIENCES);
  const runs: AnnounceRun[] = [];
  for (const audience of AUDIENCES) runs.push(await announce(system, clients, publishes, audience));
  publishes.close();
  for (const { socket } of clients) socket.disconnect();
  return runs;
}

async function announce(
  { api }: BenchSystem,
  clients: readonly Client[],
  publishes: RedisPublishes,
  audience: string,
): Promise<AnnounceRun> {
  const addressed = clients.filter(({ isGuest }) => audience === 'everyone' || !isGuest);
  const countOf = ({ heard }: Client): number => heard.get(audience) ?? 0;
  const startedAt = performance.now();
  const response = await fetch(`${api.url}/v1/announcements`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf('herald', 'announce')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ audience, title: audience, body: 'Something to be said to many.' }),
  });
  if (response.status !== 202) throw new Error(`the announcement was answered ${response.status}`);
  const isDone = (): boolean => addressed.every((client) => countOf(client) > 0);
  while (!isDone() && performance.now() - startedAt < 60_000) await delay(5);
  const tookMs = Math.round(performance.now() - startedAt);
  await delay(WATCHED_MS);
  return {
    audience,
    connections: clients.length,
    addressed: addressed.length,
    once: addressed.filter((client) => countOf(client) === 1).length,
    doubled: addressed.filter((client) => countOf(client) > 1).length,
    astray: clients.filter((client) => countOf(client) > 0 && !addressed.includes(client)).length,
    publishes: publishes.of(audience),
    tookMs,
  };
}

async function connect({ sockets }: BenchSystem, index: number): Promise<Client> {
  const isGuest = index % GUEST_EVERY === 0;
  const token = isGuest ? undefined : await tokenOf(`listener-${index}`);
  // Guests, too, are on all instances.
  const { url } = sockets[Math.floor(index / GUEST_EVERY + index) % sockets.length]!;
  const socket = io(url, { transports: ['websocket'], forceNew: true, auth: token === undefined ? {} : { token } });
  const heard = new Map<string, number>();
  socket.on('event', ({ type, data }: { type: string; data: { audience: string } }) => {
    if (type === 'announcement') heard.set(data.audience, (heard.get(data.audience) ?? 0) + 1);
  });
  await new Promise<void>((resolve) => socket.once('session', () => resolve()));
  return { socket, isGuest, heard };
}
