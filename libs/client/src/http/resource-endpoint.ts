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

/** A verb with a route of its own below one of the resource. */
export interface Change {
  verb: string;
  method: Exclude<SubRoute[0], 'GET'>;
  /** The path below the resource. */
  below: string;
  payload: Record<string, string>;
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

  list(query?: PageQuery): Promise<Page<View>> {
    return this.#rest.read(this.#path, query);
  }

  get(id: string): Promise<View> {
    return this.#rest.read(this.pathOf(id));
  }

  /** A list below one of the resource. */
  listBelow<Item>(id: string, below: string, query?: PageQuery): Promise<Page<Item>> {
    return this.#rest.read(`${this.pathOf(id)}/${below}`, query);
  }

  /** A verb that not every resource has; what is named in its path is its payload. */
  change(
    id: string,
    { verb, method, below, payload }: Change,
    options: ChangeOptions = {},
  ): Promise<SubmittedAction<View>> {
    const { ifMatch, ...others } = options;
    return this.#submitter.submit<View>({
      ...others,
      type: `${this.#type}.${verb}`,
      resourceId: id,
      payload,
      request: { method, path: `${this.pathOf(id)}/${below}`, headers: precondition(ifMatch) },
    });
  }

  private pathOf(id: string): string {
    return `${this.#path}/${encodeURIComponent(id)}`;
  }
}

function precondition(version: number | undefined): Record<string, string> {
  return version === undefined ? {} : { 'if-match': `"${version}"` };
}
