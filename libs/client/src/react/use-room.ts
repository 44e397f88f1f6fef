import { useEffect, useState } from 'react';
import type { SubscriptionEvent } from '../subscription.ts';
import { useLatest } from './use-latest.ts';
import { useTidings } from './tidings-provider.ts';

/** `ended`: the user is no member, or no more. */
export interface RoomState {
  readonly step: 'subscribing' | 'live' | 'ended';
  readonly error: Error | null;
}

const SUBSCRIBING: RoomState = { step: 'subscribing', error: null };
const LIVE: RoomState = { step: 'live', error: null };

/**
 * Hears a room while the component is mounted. A component that comes back goes on where the
 * client was in the room.
 *
 * @param listener may be another function at every render; a promise it returns is waited for
 */
export function useRoom(id: string, listener: (event: SubscriptionEvent) => unknown): RoomState {
  const client = useTidings();
  const latest = useLatest(listener);
  const [state, setState] = useState(SUBSCRIBING);
  useEffect(() => {
    let isMounted = true;
    const show = (next: RoomState): void => {
      if (isMounted) setState(next);
    };
    show(SUBSCRIBING);
    const subscription = client.room(id).subscribe((event) => latest.current(event));
    subscription.ready.then(
      () => show(LIVE),
      () => undefined,
    );
    void subscription.ended.then((error) => show({ step: 'ended', error: error ?? null }));
    return () => {
      isMounted = false;
      subscription.unsubscribe();
    };
  }, [client, id, latest]);
  return state;
}
