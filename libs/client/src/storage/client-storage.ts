/**
 * Where a client keeps its positions and its unanswered actions: one text, as large as a
 * few hundred bytes an unanswered action. One client, one storage: two at once would
 * overwrite each other's positions. Both are done when they return; what they throw is told
 * as `STORAGE_FAILED`.
 */
export interface ClientStorage {
  /** What was written last, or null. */
  read(): string | null;
  write(text: string): void;
}

/** Keeps nothing over a reload. */
export function memoryStorage(): ClientStorage {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => {
      kept = text;
    },
  };
}
