import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createClient, type ClientOptions, type TidingsClient } from '#client';
import type { OutcomeEnvelope } from '#contracts';
import { token, type System } from '#testing';

/** A client, and what it has heard. */
export interface Newcomer {
  client: TidingsClient;
  user: string;
  heard: OutcomeEnvelope[];
  /** The ids of the actions whose outcomes it heard, as they came. */
  ids: () => string[];
}

/** A client of a user without a past, unless one is named; closed at the end of the test. */
export function newcomer(
  { api, sockets }: System,
  { user = `user-${randomUUID()}`, ...options }: Partial<ClientOptions> & { user?: string } = {},
): Newcomer {
  const client = createClient({ baseUrl: api.url, socketUrl: sockets[0]!.url, token: () => token(user), ...options });
  onTestFinished(() => client.close());
  const heard: OutcomeEnvelope[] = [];
  client.on('outcome', (outcome) => heard.push(outcome));
  return { client, user, heard, ids: () => heard.map(({ data }) => data.id) };
}
