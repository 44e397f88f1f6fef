import { createContext, createElement, useContext, type ReactElement, type ReactNode } from 'react';
import type { TidingsClient } from '../client.ts';

const TidingsContext = createContext<TidingsClient | null>(null);

export interface TidingsProviderProps {
  /** Made once, outside of components; who made it connects and closes it. */
  client: TidingsClient;
  children?: ReactNode;
}

/** Gives a client to the components below. */
export function TidingsProvider({ client, children }: TidingsProviderProps): ReactElement {
  return createElement(TidingsContext.Provider, { value: client }, children);
}

/**
 * The client of the nearest {@link TidingsProvider}.
 *
 * @throws {Error} when there is none
 */
export function useTidings(): TidingsClient {
  const client = useContext(TidingsContext);
  if (!client) throw new Error('There is no <TidingsProvider client={…}> above this component');
  return client;
}
