import { useCallback, useSyncExternalStore } from 'react';
import type { ClientState } from '../client.ts';
import { useTidings } from './tidings-provider.ts';

/** Whether the client is online. On a server it is `offline`. */
export function useConnectionState(): ClientState {
  const client = useTidings();
  const subscribe = useCallback((changed: () => void) => client.on('state', changed), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.state,
    () => 'offline',
  );
}
