import type { Submitter } from '../actions/submitter.ts';
import type {
  ChangeOptions,
  CreateOptions,
  Page,
  PageQuery,
  ResourceClient,
  SubmittedAction,
} from '../resource-client.ts';
import type { SubRoute } from './resource-routes.ts';
import type { RestClient } from './rest.ts';

/** What is done to one of the resource. */
export interface Change {
  verb: string;
  method: Exclude<SubRoute[0], 'GET'>;
  /** The path below it, with its slash. */
  below?: string;
  payload: object | null;
  body?: object | undefined;
}

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

  edit(id: string, payload: Edit, options?: ChangeOptions): Promise<SubmittedAction<View>> {
    return this.change(id, { verb: 'edit', method: 'PATCH', payload, body: payload }, options);
  }

  delete(id: string, options?: ChangeOptions): Promise<SubmittedAction<null>> {
    return this.change(id, { verb: 'delete', method: 'DELETE', payload: null }, options);
  }

  list(query?: PageQuery): Promise<Page<View>> {
    return this.#rest.read(this.#path, query);
  }

  get(id: string): Promise<View> {
    return this.#rest.read(this.pathOf(id));
  }

  /** A list below one of the resource. */
  listBelow<Item>(id: string, below: string, query?: PageQuery): Promise<Page<Item>> {
    return this.#rest.read(this.pathOf(id) + below, query);
  }

  change<Result>(
    id: string,
    { verb, method, below = '', payload, body }: Change,
    { ifMatch, ...options }: ChangeOptions = {},
  ): Promise<SubmittedAction<Result>> {
    const headers: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` };
    return this.#submitter.submit({
      ...options,
      type: `${this.#type}.${verb}`,
      resourceId: id,
      payload,
      request: { method, path: this.pathOf(id) + below, headers, body },
    });
  }

  private pathOf(id: string): string {
    return `${this.#path}/${encodeURIComponent(id)}`;
  }
}
