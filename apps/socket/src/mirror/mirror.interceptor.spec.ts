import { Module } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import { io, type Socket as ClientSocket } from 'socket.io-client';
import type { Socket } from 'socket.io';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ChannelsClient } from '#channels';
import { eventually, testRedis } from '#testing';
import { Mirrored, MirrorInterceptor } from './mirror.interceptor.ts';
import { MirrorService } from './mirror.service.ts';

const redis = testRedis();
const heard: { type: string; from: string; channel: string; data: unknown }[] = [];

/** Some gateway with handlers of its own; who connects with a user id is that user. */
@WebSocketGateway()
class DraftsGateway {
  handleConnection(socket: Socket): void {
    const { userId } = socket.handshake.auth as { userId?: string };
    socket.data = { identity: userId === undefined ? null : { userId } };
  }

  @Mirrored('draft.saved')
  @SubscribeMessage('save')
  save(@MessageBody() text: string): object {
    return { ok: true, text };
  }

  @Mirrored('draft.lost')
  @SubscribeMessage('lose')
  lose(): never {
    throw new Error('lost');
  }

  @SubscribeMessage('keep')
  keep(): object {
    return { ok: true };
  }
}

@Module({
  providers: [
    DraftsGateway,
    MirrorInterceptor,
    MirrorService,
    {
      provide: ChannelsClient,
      useFactory: () => new ChannelsClient({ url: redis.url, prefix: redis.prefix }),
    },
  ],
})
class DraftsModule {}

let app: NestFastifyApplication;
let subscriber: Redis;

beforeAll(async () => {
  const testing = await Test.createTestingModule({ imports: [DraftsModule] }).compile();
  app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app.useWebSocketAdapter(new IoAdapter(app));
  await app.listen(0, '127.0.0.1');
  await eventually(() => {
    if (!app.get(ChannelsClient).isConnected) throw new Error('not connected to Redis');
  });
  subscriber = new Redis(redis.url);
  await subscriber.ssubscribe(`${redis.prefix}:{user:alice}`);
  subscriber.on('smessage', (_channel: string, text: string) => {
    heard.push(JSON.parse(text.slice(text.indexOf(' ') + 1)) as (typeof heard)[number]);
  });
});

beforeEach(() => heard.splice(0));

afterAll(async () => {
  subscriber.disconnect();
  await app.close();
});

async function connected(auth: object): Promise<ClientSocket> {
  const socket = io(await app.getUrl(), { transports: ['websocket'], forceNew: true, auth });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

it('tells the other connections of the user what a handler answered, and names the one to leave out', async () => {
  const socket = await connected({ userId: 'alice' });
  expect(await socket.emitWithAck('save', 'Dear Bob')).toEqual({ ok: true, text: 'Dear Bob' });
  await eventually(() => expect(heard).toHaveLength(1));
  expect(heard[0]).toMatchObject({
    type: 'mirror',
    channel: 'user:alice',
    from: socket.id,
    data: { event: 'draft.saved', data: { ok: true, text: 'Dear Bob' } },
  });
  socket.disconnect();
});

it('keeps to itself what failed, what is not marked, and what guests do', async () => {
  const [socket, guest] = await Promise.all([connected({ userId: 'alice' }), connected({})]);
  socket.emit('lose');
  await socket.emitWithAck('keep');
  expect(await guest.emitWithAck('save', 'from a guest')).toMatchObject({ ok: true });
  await socket.emitWithAck('save', 'marker');
  await eventually(() => expect(heard.map(({ data }) => data)).toMatchObject([{ data: { text: 'marker' } }]));
  socket.disconnect();
  guest.disconnect();
});

it('answers all the same when the answer is too large to be mirrored', async () => {
  const socket = await connected({ userId: 'alice' });
  const text = 'x'.repeat(20_000);
  expect(await socket.emitWithAck('save', text)).toEqual({ ok: true, text });
  await socket.emitWithAck('save', 'marker');
  await eventually(() => expect(heard.map(({ data }) => data)).toMatchObject([{ data: { text: 'marker' } }]));
  socket.disconnect();
});
