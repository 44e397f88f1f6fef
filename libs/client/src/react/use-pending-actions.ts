import { useCallback, useSyncExternalStore } from 'react';
import type { PendingAction } from '../client.ts';
import { useTidings } from './tidings-provider.ts';

const NONE: readonly PendingAction[] = [];

/** What was submitted and has no outcome yet, the oldest first; over reloads, if the client has a storage. */
export function usePendingActions(): readonly PendingAction[] {
  const client = useTidings();
  const subscribe = useCallback((changed: () => void) => client.on('pending', changed), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.pending,
    () => NONE,
  );
}
