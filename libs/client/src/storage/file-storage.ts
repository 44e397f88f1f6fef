import type { ClientStorage } from './client-storage.ts';

/**
 * Keeps over restarts of a Node process, in a file of its own; its folder must exist. The
 * file is replaced as a whole, so that a crash leaves the old text or the new one.
 */
export function fileStorage(path: string): ClientStorage {
  // No import: a bundle for browsers holds this function too.
  const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
  return {
    read: () => {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    write: (text) => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    },
  };
}
