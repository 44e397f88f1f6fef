import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { of, throwError } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChannelsClient } from '#channels';
import { EVERYONE, type ChannelEvent, type Envelope } from '#contracts';
import type { Ledger } from '#ledger';
import { EventPublisher } from './event-publisher.ts';
import { Publishable } from './publishable.ts';

Logger.overrideLogger(false);

@Publishable({ type: 'step.done', channel: () => EVERYONE })
class StepDone {
  constructor(readonly number: number) {}
}

const numberOf = ({ data }: { data: unknown }): number => (data as StepDone).number;

/** Transactions that have not ended. */
const appending: { numbers: number[]; end: (error?: Error) => void }[] = [];

const append = vi.fn<Ledger['append']>();
const emit = vi.fn<ChannelsClient['emit']>();

let publisher: EventPublisher;

beforeEach(() => {
  appending.length = 0;
  append.mockReset().mockImplementation((events: readonly ChannelEvent[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<Envelope[]>();
    const end = (error?: Error): void => (error ? reject(error) : resolve(events as unknown as Envelope[]));
    appending.push({ numbers: events.map(numberOf), end });
    return promise;
  });
  emit.mockReset().mockReturnValue(of(undefined));
  publisher = new EventPublisher({ append } as unknown as Ledger, { emit } as unknown as ChannelsClient);
});

const publish = (...numbers: readonly number[]): Promise<Envelope>[] =>
  numbers.map((number) => publisher.publish(new StepDone(number)));

const begun = async (): Promise<number[][]> => {
  await turn();
  return appending.map(({ numbers }) => numbers);
};

describe('events of one process', () => {
  it('are committed in their order, one transaction after another, those of one moment together', async () => {
    const published = publish(1, 2);
    expect(await begun()).toEqual([[1, 2]]);
    published.push(...publish(3));
    await turn();
    published.push(...publish(4));
    expect(await begun()).toEqual([[1, 2]]);
    appending[0]!.end();
    expect(await begun()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    appending[1]!.end();
    expect((await Promise.all(published)).map(numberOf)).toEqual([1, 2, 3, 4]);
    expect(emit.mock.calls.map(([, envelope]) => numberOf(envelope as Envelope))).toEqual([1, 2, 3, 4]);
    // It is ready for more.
    const last = publish(5);
    expect((await begun()).at(-1)).toEqual([5]);
    appending[2]!.end();
    await Promise.all(last);
  });

  it('share a transaction as long as they are not too many', async () => {
    const published = publish(...Array.from({ length: 450 }, (_, index) => index));
    const sizes: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      sizes.push((await begun()).at(-1)!.length);
      appending.at(-1)!.end();
    }
    expect(sizes).toEqual([200, 200, 50]);
    await Promise.all(published);
  });

  it('are not tried one by one when the ledger is lost: they may be committed', async () => {
    const published = Promise.allSettled(publish(1, 2));
    await turn();
    appending[0]!.end(Object.assign(new Error('lost'), { code: 'ECONNRESET' }));
    expect((await published).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(append).toHaveBeenCalledTimes(1);
  });

  it('are published once they are committed, whatever becomes of the hint at it', async () => {
    emit.mockReturnValue(throwError(() => new Error('away')));
    const published = Promise.all(publish(1));
    await turn();
    expect(emit).not.toHaveBeenCalled();
    appending[0]!.end();
    expect((await published).map(numberOf)).toEqual([1]);
    // An unhandled rejection would fail this run.
    await turn();
    expect(emit).toHaveBeenCalledTimes(1);
  });
});
