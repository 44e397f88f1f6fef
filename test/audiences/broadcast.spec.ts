import { expect, it } from 'vitest';
import { AUTHENTICATED, EVERYONE } from '#contracts';
import { connect, eventually, privateRedis, startSystem, type Listener } from '#testing';
import { RedisPublishes } from './redis-publishes.ts';

const INSTANCES = 4;
const USERS = 100;
const GUESTS = 100;

const titles = ({ events }: Listener): string[] =>
  events.filter(({ type }) => type === 'announcement').map(({ data }) => (data as { title: string }).title);

it('an announcement is one publish, heard once on each connection that it is for', async () => {
  const redis = await privateRedis();
  const system = await startSystem({ sockets: INSTANCES, redis });
  const instance = (index: number) => system.sockets[index % INSTANCES]!;
  const [users, guests]: [Listener[], Listener[]] = [[], []];
  for (let index = 0; index < USERS; index += 1) {
    // Two connections for each of fifty users, on different instances.
    const user = await system.user(`user-${Math.floor(index / 2)}`);
    users.push(await user.connect(instance(index)));
  }
  for (let index = 0; index < GUESTS; index += 1) guests.push(await connect(instance(index).url));
  const herald = await system.user('herald', { scopes: ['announce'] });
  const own = await herald.connect(instance(0));

  const publishes = await RedisPublishes.count(redis.url, system.redis.prefix, [
    'user:user-7',
    AUTHENTICATED,
    EVERYONE,
    'user:herald',
  ]);
  for (const audience of ['user:user-7', AUTHENTICATED, EVERYONE]) {
    const body = { audience, title: audience, body: 'It works.' };
    await own.outcomeOf(await herald.submit('POST', '/v1/announcements', { body }));
  }
  const isUser7 = (index: number): boolean => Math.floor(index / 2) === 7;
  await eventually(
    () => {
      for (const [index, user] of users.entries()) {
        const wanted = [AUTHENTICATED, EVERYONE, ...(isUser7(index) ? ['user:user-7'] : [])];
        expect(titles(user).toSorted()).toEqual(wanted);
      }
      for (const guest of guests) expect(titles(guest)).toEqual([EVERYONE]);
    },
    { timeoutMs: 20_000 },
  );
  // One for each announcement, and one for the outcome of each.
  await eventually(() => expect(publishes.of('user:herald')).toBe(3));
  for (const channel of ['user:user-7', AUTHENTICATED, EVERYONE]) expect(publishes.of(channel)).toBe(1);
  expect(await publishes.total()).toBe(6);
  publishes.close();

  // Another event comes after all of these on every channel: no second one was on its way.
  const body = { audience: EVERYONE, title: 'marker', body: 'It works.' };
  await herald.submit('POST', '/v1/announcements', { body });
  for (const guest of guests) await eventually(() => expect(titles(guest)).toEqual([EVERYONE, 'marker']));
  for (const user of users) await eventually(() => expect(titles(user).at(-1)).toBe('marker'));
  for (const [index, user] of users.entries()) expect(titles(user)).toHaveLength(isUser7(index) ? 4 : 3);
  system.assertUnharmed();
}, 120_000);
