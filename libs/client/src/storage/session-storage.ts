import type { ClientStorage } from './client-storage.ts';

/** Keeps over reloads of a browser tab; each tab has its own. */
export function sessionStorageOf(key: string): ClientStorage {
  return {
    read: () => sessionStorage.getItem(key),
    write: (text) => sessionStorage.setItem(key, text),
  };
}
