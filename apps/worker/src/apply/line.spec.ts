import { describe, expect, it } from 'vitest';
import { Line } from './line.ts';

/** Work that ends when it is told to. */
function held<Result>(result: Result): { work: () => Promise<Result>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<Result>();
  return { work: () => promise, end: () => resolve(result) };
}

describe('Line', () => {
  it('does one thing after the other, in the order of their coming', async () => {
    const line = new Line();
    const done: string[] = [];
    const first = held('first');
    const turns = [
      line.run(async () => done.push(await first.work())),
      line.run(async () => done.push('second')),
      line.run(async () => done.push('third')),
    ];
    expect(done).toEqual([]);
    first.end();
    await Promise.all(turns);
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('goes on after what fails', async () => {
    const line = new Line();
    const failing = line.run(() => Promise.reject(new Error('no')));
    const next = line.run(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('sends away who comes when enough are waiting', async () => {
    const line = new Line(1, 1, 60_000);
    const first = held('first');
    const running = line.run(first.work);
    const waiting = line.run(() => Promise.resolve('waiting'));
    expect(await line.run(() => Promise.resolve('one too many'))).toBeUndefined();
    first.end();
    expect(await Promise.all([running, waiting])).toEqual(['first', 'waiting']);
  });

  it('lets go who has waited long enough, and only them', async () => {
    const line = new Line(1, 2, 20);
    const first = held('first');
    const running = line.run(first.work);
    const work = (): Promise<never> => Promise.reject(new Error('its turn never came'));
    expect(await Promise.all([line.run(work), line.run(work)])).toEqual([undefined, undefined]);
    const next = line.run(() => Promise.resolve('next'));
    first.end();
    expect(await Promise.all([running, next])).toEqual(['first', 'next']);
  });

  it('has several under way where there is room, and alone what takes all of it', async () => {
    const line = new Line(3);
    const works = [held('a'), held('b'), held('all'), held('c')];
    const started: string[] = [];
    const turns = works.map(({ work }, index) => {
      const start = (): Promise<string> => {
        started.push('ab*c'[index]!);
        return work();
      };
      return line.run(start, index === 2 ? 3 : 1);
    });
    await Promise.resolve();
    expect(started.join('')).toBe('ab');
    works[0]!.end();
    await turns[0];
    expect(started.join('')).toBe('ab');
    works[1]!.end();
    await turns[1];
    await Promise.resolve();
    expect(started.join('')).toBe('ab*');
    works[2]!.end();
    await turns[2];
    await Promise.resolve();
    expect(started.join('')).toBe('ab*c');
    works[3]!.end();
    expect(await turns[3]).toBe('c');
  });

  it('lets a small one in when the big one before it has left', async () => {
    const line = new Line(2, 2, 20);
    const first = held('first');
    const running = line.run(first.work);
    const big = line.run(() => Promise.resolve('big'), 2);
    const small = line.run(() => Promise.resolve('small'));
    expect(await Promise.all([big, small])).toEqual([undefined, 'small']);
    first.end();
    expect(await running).toBe('first');
  });
});
