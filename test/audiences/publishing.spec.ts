import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsClient } from '#channels';
import { ProcessConfig } from '#config';
import { AUTHENTICATED, EVERYONE, userChannel, type Envelope } from '#contracts';
import { Database } from '#database';
import { EventBus, EventPublisher, Publishable, PublishingModule } from '#publishing';
import { connect, eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';

@Publishable<ReportReady>({
  type: 'report.ready',
  channel: ({ userId }) => userChannel(userId),
  subject: ({ number }) => `reports/${number}`,
})
class ReportReady {
  constructor(
    readonly userId: string,
    readonly number: number,
  ) {}
}

@Publishable<SaleStarted>({ type: 'sale.started', channel: ({ members }) => (members ? AUTHENTICATED : EVERYONE) })
class SaleStarted {
  constructor(readonly members: boolean) {}
}

class ReportPaid {
  constructor(readonly userId: string) {}
}

let system: System;
let alice: TestUser;
let bob: TestUser;
let service: { bus: EventBus; publisher: EventPublisher; close: () => Promise<void> };

/** Another service of the same codebase: it has a config and a database, and no sockets. */
async function startService({ database, redis }: System): Promise<typeof service> {
  const config = Object.assign(new ProcessConfig(), { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix });
  const connection = new Database({ url: database, poolSize: 5, applicationName: 'reports' });
  @Module({
    providers: [
      { provide: ProcessConfig, useValue: config },
      { provide: Database, useValue: connection },
    ],
    exports: [ProcessConfig, Database],
  })
  class SettingsModule {}
  const settings = { module: SettingsModule, global: true };
  const app = await Test.createTestingModule({ imports: [settings, PublishingModule] }).compile();
  app.enableShutdownHooks();
  await eventually(() => expect(app.get(ChannelsClient, { strict: false }).isConnected).toBe(true));
  return { bus: app.get(EventBus), publisher: app.get(EventPublisher), close: () => app.close() };
}

beforeAll(async () => {
  system = await startSystem();
  [alice, bob] = await Promise.all([system.user('alice'), system.user('bob')]);
  service = await startService(system);
});

afterAll(() => service.close());

describe('an event of another service', () => {
  it('reaches the subscribed sockets on every instance, and nobody else', async () => {
    const [first, second] = system.sockets;
    const mine = await Promise.all([alice.connect(first!), alice.connect(second!)]);
    const [other, guest] = await Promise.all([bob.connect(first!), connect(second!.url)]);
    await service.bus.emit(new ReportReady('alice', 1));
    for (const listener of mine) {
      await eventually(() => expect(listener.events).toHaveLength(1));
      expect(listener.events[0]).toMatchObject({
        specversion: '1.0',
        type: 'report.ready',
        subject: 'reports/1',
        channel: 'user:alice',
        offset: expect.any(Number),
        data: { userId: 'alice', number: 1 },
      });
    }
    await service.bus.emit(new SaleStarted(true));
    await service.bus.emit(new SaleStarted(false));
    await eventually(() => expect(guest.events.map(({ channel }) => channel)).toEqual([EVERYONE]));
    await eventually(() => expect(other.events).toHaveLength(2));
    expect(other.events.map(({ channel }) => channel).toSorted()).toEqual([AUTHENTICATED, EVERYONE]);
  });

  it('waits for who is away, in order, among the outcomes', async () => {
    const before = await alice.connect(system.sockets[0]!);
    before.close();
    const marker = await alice.createMessage('between');
    await eventually(async () => expect((await alice.action(marker.id)).done).toBe(true));
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    const envelopes = await Promise.all(
      numbers.map((number) => service.publisher.publish(new ReportReady('alice', number))),
    );
    const offsets = envelopes.map(({ offset }) => offset);
    expect(offsets).toEqual(numbers.map((number) => offsets[0]! + number));
    const after = await alice.connect(system.sockets[1]!, { cursors: before.session.cursors });
    await eventually(() => expect(after.events).toHaveLength(numbers.length));
    expect(after.events.map(({ data }) => (data as ReportReady).number)).toEqual(numbers);
    expect(after.events.map(({ id, cursor }) => ({ id, cursor }))).toEqual(
      envelopes.map(({ id, cursor }: Envelope) => ({ id, cursor })),
    );
    expect(after.actionIds).toEqual([marker.id]);
    for (const event of after.events) expect(event.replayed).toBe(true);
  });

  it('comes in order and once while it competes with outcomes on the same channel', async () => {
    const listener = await bob.connect(system.sockets[0]!);
    const start = listener.events.length;
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const [, actions] = await Promise.all([
      Promise.all(numbers.map((number) => service.bus.emit(new ReportReady('bob', number)))),
      Promise.all(numbers.map((number) => bob.createMessage(`message ${number}`))),
    ]);
    await listener.outcomesOf(actions);
    await eventually(() => expect(listener.events.length - start).toBe(numbers.length));
    expect(listener.events.slice(start).map(({ data }) => (data as ReportReady).number)).toEqual(numbers);
    const offsets = [...listener.events, ...listener.outcomes]
      .filter(({ channel }) => channel === 'user:bob')
      .map(({ offset }) => offset)
      .toSorted((a, b) => a - b);
    expect(offsets).toEqual(offsets.map((_, index) => offsets[0]! + index));
  });

  it('stays inside when it is not marked, and is heard there either way', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const heard: object[] = [];
    const stop = [
      service.bus.on(ReportPaid, (event) => void heard.push(event)),
      service.bus.on(ReportReady, (event) => void heard.push(event)),
    ];
    await service.bus.emit(new ReportPaid('alice'));
    await service.bus.emit(new ReportReady('alice', 2));
    for (const end of stop) end();
    await service.bus.emit(new ReportPaid('alice'));
    expect(heard).toEqual([new ReportPaid('alice'), new ReportReady('alice', 2)]);
    await eventually(() => expect(listener.events.map(({ data }) => data)).toEqual([{ userId: 'alice', number: 2 }]));
    await expect(service.publisher.publish(new ReportPaid('alice'))).rejects.toThrow('mark it with @Publishable()');
  });

  it('is told although a listener fails, whose failure its emitter hears of', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const stop = service.bus.on(ReportReady, () => Promise.reject(new Error('no paper')));
    await expect(service.bus.emit(new ReportReady('alice', 3))).rejects.toThrow('no paper');
    stop();
    await eventually(() => expect(listener.events.map(({ data }) => data)).toEqual([{ userId: 'alice', number: 3 }]));
  });

  it('harms none of its neighbours when the ledger refuses it', async () => {
    // Postgres takes no such subject.
    @Publishable({ type: 'report.broken', channel: () => userChannel('alice'), subject: () => 'reports/\0' })
    class ReportBroken {
      readonly number = 0;
    }
    const results = await Promise.allSettled([
      service.publisher.publish(new ReportReady('alice', 4)),
      service.publisher.publish(new ReportBroken()),
      service.publisher.publish(new ReportReady('alice', 5)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const ledger = new LedgerCheck(system.database);
    expect((await ledger.report()).violations).toEqual([]);
    await ledger.close();
  });
});
