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
  const reports = new DeliveredReports((cursor) => sent.push(cursor) > 0);
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
