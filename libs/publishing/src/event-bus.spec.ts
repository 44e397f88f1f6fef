import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, it, vi } from 'vitest';
import { EVERYONE, type Envelope } from '#contracts';
import { EventBus } from './event-bus.ts';
import type { EventPublisher } from './event-publisher.ts';
import { Publishable } from './publishable.ts';

@Publishable({ type: 'step.done', channel: () => EVERYONE })
class StepDone {
  readonly number = 1;
}

const publish = vi.fn<EventPublisher['publish']>();
let bus: EventBus;

beforeEach(() => {
  publish.mockReset().mockResolvedValue({} as Envelope);
  bus = new EventBus({ publish } as unknown as EventPublisher);
});

it('an event is emitted when it is committed and its listeners are done, and not before', async () => {
  const [committed, heard] = [Promise.withResolvers<Envelope>(), Promise.withResolvers<void>()];
  publish.mockReturnValue(committed.promise);
  bus.on(StepDone, () => heard.promise);
  let isEmitted = false;
  const emitted = bus.emit(new StepDone()).finally(() => (isEmitted = true));
  heard.resolve();
  await turn();
  expect(isEmitted).toBe(false);
  committed.resolve({} as Envelope);
  await emitted;
});

it('who emits an event hears that it could not be published, and its listeners hear it all the same', async () => {
  publish.mockRejectedValue(new Error('away'));
  const listener = vi.fn<() => void>();
  bus.on(StepDone, listener);
  await expect(bus.emit(new StepDone())).rejects.toThrow('away');
  expect(listener).toHaveBeenCalledTimes(1);
});

it('a listener that throws keeps no other from hearing, until each has ended', async () => {
  const listener = vi.fn<() => void>();
  const failing = (): never => {
    throw new Error('no paper');
  };
  const ends = [bus.on(StepDone, failing), bus.on(StepDone, listener)];
  await expect(bus.emit(new StepDone())).rejects.toThrow('no paper');
  for (const end of ends) end();
  await bus.emit(new StepDone());
  expect(listener).toHaveBeenCalledTimes(1);
});
