import type { ChangeOptions, CreateOptions, Page, PageQuery, ResourceClient, SubmittedAction } from '../client.ts';
import type { Submitter } from '../actions/submitter.ts';
import { withQuery } from './query.ts';
import type { RestClient } from './rest.ts';

/** How long a read is tried, in milliseconds. */
export const READ_WITHIN_MS = 5_000;

/** `/v1/<resource>` */
export class ResourceEndpoint<Create extends object, Edit extends object, View> implements ResourceClient<
  Create,
  Edit,
  View
> {
  readonly #type: string;
  readonly #path: string;
  readonly #rest: RestClient;
  readonly #submitter: Submitter;

  constructor(type: string, rest: RestClient, submitter: Submitter) {
    this.#type = type;
    this.#path = `/v1/${encodeURIComponent(type)}`;
    this.#rest = rest;
    this.#submitter = submitter;
  }

  create(payload: Create, { id, ...options }: CreateOptions = {}): Promise<SubmittedAction<View>> {
    const body = id === undefined ? payload : { ...payload, id };
    return this.#submitter.submit<View>({
      ...options,
      type: `${this.#type}.create`,
      resourceId: id,
      payload,
      request: { method: 'POST', path: this.#path, body },
    });
  }

  edit(id: string, payload: Edit, { ifMatch, ...options }: ChangeOptions = {}): Promise<SubmittedAction<View>> {
    return this.#submitter.submit<View>({
      ...options,
      type: `${this.#type}.edit`,
      resourceId: id,
      payload,
      request: { method: 'PATCH', path: this.pathOf(id), body: payload, headers: precondition(ifMatch) },
    });
  }

  delete(id: string, { ifMatch, ...options }: ChangeOptions = {}): Promise<SubmittedAction<null>> {
    return this.#submitter.submit<null>({
      ...options,
      type: `${this.#type}.delete`,
      resourceId: id,
      payload: null,
      request: { method: 'DELETE', path: this.pathOf(id), headers: precondition(ifMatch) },
    });
  }

  async list(query: PageQuery = {}): Promise<Page<View>> {
    const path = withQuery(this.#path, query);
    return (await this.#rest.call<Page<View>>({ method: 'GET', path, withinMs: READ_WITHIN_MS })).body;
  }

  async get(id: string): Promise<View> {
    return (await this.#rest.call<View>({ method: 'GET', path: this.pathOf(id), withinMs: READ_WITHIN_MS })).body;
  }

  private pathOf(id: string): string {
    return `${this.#path}/${encodeURIComponent(id)}`;
  }
}

function precondition(version: number | undefined): Record<string, string> {
  return version === undefined ? {} : { 'if-match': `"${version}"` };
}
