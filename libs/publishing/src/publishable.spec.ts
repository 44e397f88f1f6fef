import { describe, expect, it } from 'vitest';
import { EVERYONE, userChannel } from '#contracts';
import { isPublishable, Publishable, toChannelEvent } from './publishable.ts';

@Publishable({ type: 'report.ready', channel: (event: ReportReady) => userChannel(event.userId) })
class ReportReady {
  readonly at = new Date(0);

  constructor(
    readonly userId: string,
    readonly reportId: string,
  ) {}
}

@Publishable<PriceChanged>({
  type: 'price.changed',
  channel: () => EVERYONE,
  subject: ({ product }) => `products/${product}`,
  data: ({ product }) => ({ product }),
})
class PriceChanged {
  readonly cost = 5;

  constructor(readonly product: string) {}
}

class InternalReportReady extends ReportReady {}

class CacheCleared {
  readonly cache = 'prices';
}

describe('a publishable event', () => {
  it('tells its own properties, as JSON has them, on its channel', () => {
    expect(toChannelEvent(new ReportReady('a b', '7'))).toEqual({
      type: 'report.ready',
      channel: 'user:a%20b',
      subject: 'report',
      data: { userId: 'a b', reportId: '7', at: '1970-01-01T00:00:00.000Z' },
    });
  });

  it('tells what it is marked to tell, and no more', () => {
    expect(toChannelEvent(new PriceChanged('tea'))).toEqual({
      type: 'price.changed',
      channel: 'everyone',
      subject: 'products/tea',
      data: { product: 'tea' },
    });
  });

  it('is one of a marked class itself: neither a subclass of it nor anything else', () => {
    const events = [new ReportReady('a', '1'), new InternalReportReady('a', '1'), new CacheCleared(), {}];
    expect(events.map(isPublishable)).toEqual([true, false, false, false]);
    expect(() => toChannelEvent(new InternalReportReady('a', '1'))).toThrow('mark it with @Publishable()');
  });

  it.each(['', 'Report', 'report ready', 'report.', 'action.succeeded', 'action.started'])(
    'cannot have the type %j',
    (type) => {
      expect(() => Publishable({ type, channel: () => EVERYONE })).toThrow(/type/);
    },
  );

  it.each(['', 'alice', 'user:', 'user:a b', 'everyone else', 'room:a}\n'])('cannot be told to %j', (channel) => {
    class Lost {
      readonly what = 'a key';
    }
    Publishable({ type: 'it.lost', channel: () => channel })(Lost);
    expect(() => toChannelEvent(new Lost())).toThrow('names no channel');
  });

  it('can be told to the longest user there can be', () => {
    const user = '用'.repeat(200);
    expect(toChannelEvent(new ReportReady(user, '1'))).toMatchObject({ channel: userChannel(user) });
  });

  it('cannot be endless, or refer to itself', () => {
    expect(() => toChannelEvent(new ReportReady('a', 'x'.repeat(60_000)))).toThrow('send a reference');
    const loop = Object.assign(new ReportReady('a', '1'), { self: {} });
    loop.self = loop;
    expect(() => toChannelEvent(loop)).toThrow('circular');
  });
});
