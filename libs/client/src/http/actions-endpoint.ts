import type { Action } from '#contracts';
import type { ActionsClient, ActionsQuery } from '../client.ts';
import type { Page } from '../resource-client.ts';
import { withQuery } from './query.ts';
import { READ_WITHIN_MS } from './resource-endpoint.ts';
import type { RestClient } from './rest.ts';

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

  async list(query: ActionsQuery = {}): Promise<Page<Action>> {
    const path = withQuery('/v1/actions', query);
    return (await this.#rest.call<Page<Action>>({ method: 'GET', path, withinMs: READ_WITHIN_MS })).body;
  }

  private async call(method: 'GET' | 'DELETE', id: string, withinMs: number): Promise<Action> {
    const path = `/v1/actions/${encodeURIComponent(id)}`;
    const { body: action } = await this.#rest.call<Action>({ method, path, withinMs });
    if (action.done) this.#onDone(action);
    return action;
  }
}
