import type { Action } from '#contracts';
import type { ActionsClient, ActionsQuery } from '../client.ts';
import type { Page } from '../resource-client.ts';
import { READ_WITHIN_MS, type RestClient } from './rest.ts';

/** `/v1/actions` */
export class ActionsEndpoint implements ActionsClient {
  readonly #rest: RestClient;
  readonly #onDone: (action: Action) => void;

  /** @param onDone gets what turns out to have its outcome */
  constructor(rest: RestClient, onDone: (action: Action) => void) {
    this.#rest = rest;
    this.#onDone = onDone;
  }

  get(id: string): Promise<Action> {
    return this.call('GET', id, READ_WITHIN_MS);
  }

  /** Without a second try: for who asks again anyway. */
  look(id: string): Promise<Action> {
    return this.call('GET', id, 0);
  }

  cancel(id: string): Promise<Action> {
    return this.call('DELETE', id, READ_WITHIN_MS);
  }

  list(query?: ActionsQuery): Promise<Page<Action>> {
    return this.#rest.read('/v1/actions', query);
  }

  private async call(method: 'GET' | 'DELETE', id: string, withinMs: number): Promise<Action> {
    const path = `/v1/actions/${encodeURIComponent(id)}`;
    const { body: action } = await this.#rest.call<Action>({ method, path, withinMs });
    if (action.done) this.#onDone(action);
    return action;
  }
}
