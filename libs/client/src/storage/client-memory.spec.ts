import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientMemory, recall, type Memory } from './client-memory.ts';
import { memoryStorage, type ClientStorage } from './client-storage.ts';

function counting(): { storage: ClientStorage; writes: string[] } {
  const writes: string[] = [];
  return { storage: { read: () => writes.at(-1) ?? null, write: (text) => writes.push(text) }, writes };
}

const MEMORY: Memory = { cursors: ['c'], pending: [] };

function rethrow(cause: unknown): never {
  throw cause;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('the memory of a client', () => {
  it('is what the next client recalls', async () => {
    const storage = memoryStorage();
    const memory = new ClientMemory(storage, () => MEMORY, rethrow);
    memory.changed();
    await Promise.resolve();
    expect(recall(storage, rethrow)).toEqual(MEMORY);
    memory.close();
  });

  it('is written at once when it is quiet, and together when it is busy', async () => {
    const { storage, writes } = counting();
    const memory = new ClientMemory(storage, () => MEMORY, rethrow);
    for (let change = 0; change < 100; change += 1) {
      memory.changed();
      await Promise.resolve();
    }
    expect(writes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(50);
    expect(writes).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(50);
    expect(writes).toHaveLength(2);
    memory.close();
  });

  it('is written before the client ends, and not after', () => {
    const { storage, writes } = counting();
    const memory = new ClientMemory(storage, () => MEMORY, rethrow);
    memory.changed();
    memory.close();
    memory.changed();
    memory.close();
    expect(writes).toHaveLength(1);
  });

  it('is tried again after a storage that takes nothing', async () => {
    const errors: unknown[] = [];
    const full: ClientStorage = {
      read: () => null,
      write: () => {
        throw new Error('full');
      },
    };
    const memory = new ClientMemory(
      full,
      () => MEMORY,
      (cause) => errors.push(cause),
    );
    memory.changed();
    await vi.advanceTimersByTimeAsync(30);
    memory.changed();
    memory.close();
    expect(errors).toHaveLength(2);
  });

  describe('that was not taken', () => {
    /** A storage that is full the first time. */
    function fullOnce(): { memory: ClientMemory; writes: string[]; tries: () => number } {
      const { storage, writes } = counting();
      let tries = 0;
      const write = (text: string): void => {
        tries += 1;
        if (tries === 1) throw new Error('full');
        storage.write(text);
      };
      const memory = new ClientMemory(
        { ...storage, write },
        () => MEMORY,
        () => undefined,
      );
      memory.changed();
      return { memory, writes, tries: () => tries };
    }

    it('is not written again by itself, but before the client ends', async () => {
      const { memory, writes, tries } = fullOnce();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(tries()).toBe(1);
      memory.close();
      expect(writes).toHaveLength(1);
    });

    it('is written again before the page goes', async () => {
      const hide = new EventTarget();
      vi.stubGlobal('addEventListener', hide.addEventListener.bind(hide));
      vi.stubGlobal('removeEventListener', hide.removeEventListener.bind(hide));
      try {
        const { memory, writes } = fullOnce();
        await vi.advanceTimersByTimeAsync(50);
        hide.dispatchEvent(new Event('pagehide'));
        expect(writes).toHaveLength(1);
        memory.close();
        expect(writes).toHaveLength(1);
      } finally {
        vi.unstubAllGlobals();
      }
    });

    it('is written with what changes next, also while a pause is on', async () => {
      const { memory, writes, tries } = fullOnce();
      await Promise.resolve();
      expect(tries()).toBe(1);
      memory.changed();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(writes).toHaveLength(1);
      memory.close();
    });
  });

  it.each(['no json', '[]', 'null', '{}', '{"version":99}', '{"version":1,"cursors":["c"]}'])(
    'is nothing when the storage holds %j, which is told',
    (text) => {
      const storage = memoryStorage();
      storage.write(text);
      const errors: unknown[] = [];
      expect(recall(storage, (cause) => errors.push(cause))).toEqual({ cursors: [], pending: [] });
      expect(errors).toHaveLength(1);
    },
  );

  it.each([null, ''])('is nothing in a storage that is new: %j', (nothing) => {
    const storage: ClientStorage = { read: () => nothing, write: () => undefined };
    expect(recall(storage, rethrow)).toEqual({ cursors: [], pending: [] });
  });
});
