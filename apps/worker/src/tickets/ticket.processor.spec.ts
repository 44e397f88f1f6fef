import type { Job } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerConfig } from '#config';
import { SWEEP, type Ticket, type TicketEntry } from '#queue';
import type { Joiner } from '../apply/joiner.ts';
import type { Suspects } from '../apply/suspects.ts';
import type { Sweeper } from './sweeper.ts';
import { TicketProcessor } from './ticket.processor.ts';

const [ONE, OTHER, RESOURCE] = [
  '019a5f2e-7c1b-7d3e-8f00-a1b2c3d4e5f6',
  '019a5f2e-7c1b-7d3e-8f00-a1b2c3d4e5f7',
  '6f1c1e0a-9d4b-4c53-8a55-0c7c1fd1b1aa',
];
const actions: TicketEntry[] = [
  [ONE, RESOURCE],
  [OTHER, RESOURCE],
];

const joiner = { run: vi.fn<Joiner['run']>() };
const suspects = { run: vi.fn<Suspects['run']>(), add: vi.fn<Suspects['add']>() };
const sweeper = { oldest: vi.fn<Sweeper['oldest']>(), done: vi.fn<Sweeper['done']>() };

let processor: TicketProcessor;

beforeEach(() => {
  vi.useFakeTimers();
  for (const work of [joiner.run, suspects.run, suspects.add]) work.mockReset().mockResolvedValue();
  sweeper.oldest.mockReset().mockResolvedValue(actions);
  sweeper.done.mockReset();
  processor = new TicketProcessor(
    joiner as unknown as Joiner,
    suspects as unknown as Suspects,
    sweeper as unknown as Sweeper,
    new WorkerConfig(),
  );
});

afterEach(() => {
  vi.useRealTimers();
});

const process = (data: Partial<Ticket>, attemptsStarted = 1, name = 'notes.edit'): Promise<void> =>
  processor.process({ name, data: { actions, ...data }, attemptsStarted } as Job);

describe('a ticket', () => {
  it.each([
    [1, 0, 1],
    [2, 0, 2],
    [1, 1, 2],
  ])('is taken as it is at its first two starts (%i, and %i before)', async (started, starts, all) => {
    await process({ starts }, started);
    expect(joiner.run.mock.calls).toEqual([[actions, all]]);
    expect(suspects.add).not.toHaveBeenCalled();
  });

  it.each([
    [3, 0],
    [1, 2],
    [2, 1],
  ])('may kill its workers after that (%i starts, and %i before)', async (started, starts) => {
    await process({ starts }, started);
    expect(suspects.add.mock.calls).toEqual([[actions]]);
    expect(joiner.run).not.toHaveBeenCalled();
  });

  it('of suspects has them run one after another, and knows how many workers have died', async () => {
    const first = Promise.withResolvers<void>();
    suspects.run.mockReturnValueOnce(first.promise);
    const done = process({ suspect: true, starts: 1 }, 2);
    await vi.advanceTimersByTimeAsync(0);
    expect(suspects.run.mock.calls).toEqual([[actions[0], 2]]);
    first.resolve();
    await done;
    expect(suspects.run.mock.calls).toEqual(actions.map((action) => [action, 2]));
    expect(joiner.run).not.toHaveBeenCalled();
  });

  it('that is none fails', async () => {
    await expect(process({ actions: [['no id', RESOURCE]] })).rejects.toThrow('the job is not a ticket');
  });
});

describe('a sweep ticket', () => {
  const sweep = (attemptsStarted = 1): Promise<void> => process({ actions: [] }, attemptsStarted, SWEEP);

  it('asks for what is to be done, and says how much that was when it is done', async () => {
    const run = Promise.withResolvers<void>();
    joiner.run.mockReturnValue(run.promise);
    const done = sweep();
    await vi.advanceTimersByTimeAsync(1_900);
    expect(joiner.run.mock.calls).toEqual([[actions]]);
    expect(sweeper.done).not.toHaveBeenCalled();
    run.resolve();
    await done;
    expect(sweeper.done.mock.calls).toEqual([[2]]);
  });

  it('does not wait for what takes long', async () => {
    joiner.run.mockReturnValue(new Promise(() => undefined));
    const done = sweep();
    await vi.advanceTimersByTimeAsync(2_000);
    await done;
    expect(sweeper.done.mock.calls).toEqual([[2]]);
  });

  it('that was started too often has those suspected', async () => {
    await sweep(3);
    expect(suspects.add.mock.calls).toEqual([[actions]]);
    expect(joiner.run).not.toHaveBeenCalled();
  });
});
