import { useEffect } from 'react';
import type { OutcomeEnvelope } from '#contracts';
import { useLatest } from './use-latest.ts';
import { useTidings } from './tidings-provider.ts';

/**
 * Hears the outcomes of all own actions while the component is mounted, each once and in
 * order; those of other devices, too.
 *
 * @param listener may be another function at every render; a promise it returns is waited for
 */
export function useOutcomes(listener: (outcome: OutcomeEnvelope) => unknown): void {
  const client = useTidings();
  const latest = useLatest(listener);
  useEffect(() => client.on('outcome', (outcome) => latest.current(outcome)), [client, latest]);
}
