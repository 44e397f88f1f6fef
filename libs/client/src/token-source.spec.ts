import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TidingsError } from './tidings-error.ts';
import { TokenSource } from './token-source.ts';

let made = 0;

function jwt(secondsToLive: number, sub?: string): string {
  const payload = { exp: Math.floor(Date.now() / 1_000) + secondsToLive, jti: (made += 1), sub };
  return `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`;
}

describe('TokenSource', () => {
  it('keeps a token while it is good', async () => {
    const source = new TokenSource(() => jwt(3_600));
    expect(await source.get()).toBe(await source.get());
  });

  it('asks for another one when it is about to expire, and when it was refused', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const source = new TokenSource(() => jwt(100));
    const first = await source.get();
    vi.setSystemTime(Date.now() + 91_000);
    expect(await source.get()).not.toBe(first);
    const long = new TokenSource(() => jwt(3_600));
    const token = await long.get();
    const other = await long.get(token);
    expect(other).not.toBe(token);
    expect(await long.get(token)).toBe(other);
  });

  it('keeps one that has expired by the clock of this side, which may be wrong, until it is refused', async () => {
    const source = new TokenSource(() => jwt(-3_600));
    const token = await source.get();
    expect(await source.get()).toBe(token);
    expect(await source.get(token)).not.toBe(token);
  });

  it('takes a token without what stands around it, as when it was read from a file', async () => {
    const token = jwt(3_600);
    expect(await new TokenSource(() => ` ${token}\r\n`).get()).toBe(token);
  });

  it.each([undefined, null, '', ' \n', 7, 'a\nb', 'ü', '☃'])(
    'tells that there is no token when the callback gives %j',
    async (none) => {
      const given = [none as string, 'token'];
      const source = new TokenSource(() => given.shift()!);
      await expect(source.get()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
      expect(await source.get()).toBe('token');
    },
  );

  it('tells whose tokens it has, once, and takes none of another user', async () => {
    const given = [jwt(3_600, 'zoë'), jwt(3_600, 'zoë'), jwt(3_600, 'bob')];
    const users: string[] = [];
    const source = new TokenSource(
      () => given.shift()!,
      (user) => users.push(user),
    );
    await source.get();
    const second = await source.renew();
    await expect(source.renew()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await source.get()).toBe(second);
    expect(users).toEqual(['zoë']);
  });

  it('asks once for all who need one at the same time', async () => {
    let asked = 0;
    const source = new TokenSource(async () => `token ${(asked += 1)}`);
    expect(await Promise.all([source.get(), source.get(), source.renew()])).toEqual(['token 1', 'token 1', 'token 1']);
    expect(await source.renew()).toBe('token 2');
  });

  it('takes what is no JWT as it is', async () => {
    let asked = 0;
    const source = new TokenSource(() => `opaque ${(asked += 1)}`);
    expect([await source.get(), await source.get()]).toEqual(['opaque 1', 'opaque 1']);
  });

  it('tells that the callback failed, and asks again next time', async () => {
    let asked = 0;
    const source = new TokenSource(() => {
      asked += 1;
      if (asked === 1) throw new Error('no network');
      return 'token';
    });
    await expect(source.get()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    expect(await source.get()).toBe('token');
  });

  it('takes what says nothing of itself as it is', async () => {
    for (const token of ['opaque', `a.${btoa('null')}.c`, `a.${btoa('7')}.c`]) {
      expect(await new TokenSource(() => token).get()).toBe(token);
    }
  });

  it('asks anew when the callback takes too long', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let asked = 0;
    const source = new TokenSource(() => {
      asked += 1;
      return asked === 1 ? new Promise(() => undefined) : 'token';
    });
    const first = source.get();
    first.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await source.get()).toBe('token');
    await expect(first).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    expect([asked, vi.getTimerCount()]).toEqual([2, 0]);
  });

  it('tells who waits that it was closed, and who comes later', async () => {
    const source = new TokenSource(() => new Promise(() => undefined));
    const token = source.get();
    source.close(new TidingsError('CLOSED', 'over'));
    await expect(token).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(source.get()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
