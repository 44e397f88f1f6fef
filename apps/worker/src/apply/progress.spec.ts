import { of, throwError, type Observable } from 'rxjs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ChannelsClient } from '#channels';
import type { EphemeralEnvelope, Progress } from '#contracts';
import type { UnfinishedRow } from '#ledger';
import { ProgressReporter } from './progress.ts';

type Envelope = EphemeralEnvelope<Progress>;

const sent: Envelope[] = [];
let answer: () => Observable<unknown> = () => of(undefined);

const channels = {
  emit: (_: string, envelope: Envelope) => {
    sent.push(envelope);
    return answer();
  },
} as unknown as ChannelsClient;

const row = { id: 'a', owner: 'alice', type: 'messages.create', resource_id: 'm' } as UnfinishedRow;

const told = (): [percent: number, note: string][] => sent.map(({ data }) => [data.percent, data.note]);

beforeEach(() => {
  sent.length = 0;
  answer = () => of(undefined);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('tells the owner how far an action is: the latest report, a few times a second', () => {
  const { report } = new ProgressReporter(channels).of(row);
  report(0);
  report(10, 'begun');
  vi.advanceTimersByTime(100);
  expect(told()).toEqual([[10, 'begun']]);
  expect(sent).toMatchObject([
    { channel: 'user:alice', type: 'action.progress', subject: 'messages/m', data: { actionId: 'a' } },
  ]);
  for (let percent = 20; percent <= 80; percent += 1) {
    report(percent);
    vi.advanceTimersByTime(10);
  }
  expect(sent.length).toBeGreaterThanOrEqual(2);
  expect(sent.length).toBeLessThanOrEqual(4);
  vi.advanceTimersByTime(1_000);
  expect(told().at(-1)).toEqual([80, '']);
});

it('has nothing to tell of what is done at once, nor after the end', () => {
  const { report, end } = new ProgressReporter(channels).of(row);
  report(50);
  end();
  report(60);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('sends what is within bounds, and goes on when a report is lost', () => {
  const { report } = new ProgressReporter(channels).of(row);
  answer = () => throwError(() => new Error('lost'));
  report(-5, 'x'.repeat(1_000));
  vi.advanceTimersByTime(1_000);
  report(1_000);
  vi.advanceTimersByTime(1_000);
  expect(told()).toEqual([
    [0, 'x'.repeat(200)],
    [100, ''],
  ]);
});

it('tells of each action by itself, and of those that are done soon nothing, whoever reports beside them', () => {
  const reporter = new ProgressReporter(channels);
  const [first, second, short] = ['a', 'b', 'c'].map((id) => reporter.of({ ...row, id }));
  first!.report(1);
  vi.advanceTimersByTime(50);
  first!.report(2);
  second!.report(1);
  vi.advanceTimersByTime(45);
  short!.report(50);
  vi.advanceTimersByTime(45);
  short!.end();
  vi.advanceTimersByTime(60);
  // The second report of the first waits longer than the first one of the second.
  expect(sent.map(({ data }) => `${data.actionId} ${data.percent}`)).toEqual(['a 1', 'b 1']);
  vi.advanceTimersByTime(1_000);
  expect(sent.map(({ data }) => `${data.actionId} ${data.percent}`)).toEqual(['a 1', 'b 1', 'a 2']);
});

it('looks at all reports with one timer, for as long as there are some', () => {
  const reporter = new ProgressReporter(channels);
  for (const id of ['a', 'b']) reporter.of({ ...row, id }).report(50);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
  reporter.of(row).report(50);
  vi.advanceTimersByTime(1_000);
  expect(sent).toHaveLength(3);
});
