import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeliveredReports } from './delivered-reports.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('tells the first at once, and of many that follow the last', () => {
  const sent: string[] = [];
  const reports = new DeliveredReports((cursor, taken) => {
    taken();
    return sent.push(cursor) > 0;
  });
  for (const cursor of ['1', '2', '3']) reports.note(cursor);
  expect(sent).toEqual(['1']);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual(['1', '3']);
  vi.advanceTimersByTime(10_000);
  expect(sent).toEqual(['1', '3']);
  reports.note('4');
  expect(sent).toEqual(['1', '3', '4']);
  reports.close();
});

it('keeps what cannot be sent until it can', () => {
  const sent: string[] = [];
  let isOnline = false;
  const reports = new DeliveredReports((cursor) => isOnline && sent.push(cursor) > 0);
  reports.note('1');
  reports.note('2');
  vi.advanceTimersByTime(10_000);
  isOnline = true;
  reports.flush();
  reports.flush();
  expect(sent).toEqual(['2']);
  reports.close();
});

it('tells what was not acknowledged again on the next connection, and nothing else', () => {
  const sent: string[] = [];
  const acks: (() => void)[] = [];
  const reports = new DeliveredReports((cursor, taken) => {
    acks.push(taken);
    return sent.push(cursor) > 0;
  });
  reports.note('1');
  reports.note('2');
  vi.advanceTimersByTime(10_000);
  acks[0]!();
  reports.flush();
  expect(sent).toEqual(['1', '2']);
  reports.restart();
  expect(sent).toEqual(['1', '2', '2']);
  acks[2]!();
  reports.restart();
  expect(sent).toEqual(['1', '2', '2']);
  reports.close();
});
