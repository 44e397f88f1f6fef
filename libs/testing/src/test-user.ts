import type { AcceptedAction, Action, Problem } from '#contracts';
import { connect, type Listener, type ListenerOptions } from './listener.ts';
import * as tokens from './token.ts';

export interface Answer<Body = unknown> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface Call {
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 15_000;

/** Someone who submits by REST and listens on sockets. */
export class TestUser {
  readonly id: string;
  readonly token: string;
  readonly #api: string;

  private constructor(id: string, token: string, api: string) {
    this.id = id;
    this.token = token;
    this.#api = api;
  }

  /** @param api base URL of the api that the user calls */
  static async signIn(id: string, api: string, options?: tokens.TokenOptions): Promise<TestUser> {
    return new TestUser(id, await tokens.token(id, options), api);
  }

  /** Calls the api with the user's token. */
  async call<Body = unknown>(
    method: string,
    path: string,
    { body, headers, signal }: Call = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(`${this.#api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(ANSWER_MS),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  }

  /**
   * Submits an action.
   *
   * @throws {Error} with the problem, when it is not accepted
   */
  async submit(method: string, path: string, call: Call = {}): Promise<AcceptedAction> {
    const { status, body } = await this.call<AcceptedAction | Problem>(method, path, call);
    if (status !== 202) throw new Error(`${method} ${path} was answered ${status}: ${JSON.stringify(body)}`);
    return body as AcceptedAction;
  }

  createMessage(text: string, more: object = {}): Promise<AcceptedAction> {
    return this.submit('POST', '/v1/messages', { body: { text, ...more } });
  }

  editMessage(id: string, text: string, headers: Record<string, string> = {}): Promise<AcceptedAction> {
    return this.submit('PATCH', `/v1/messages/${id}`, { body: { text }, headers });
  }

  deleteMessage(id: string, headers: Record<string, string> = {}): Promise<AcceptedAction> {
    return this.submit('DELETE', `/v1/messages/${id}`, { headers });
  }

  async action(id: string): Promise<Action> {
    return (await this.call<Action>('GET', `/v1/actions/${id}`)).body;
  }

  /** Listens on a socket instance. */
  connect(socket: { url: string }, options: Omit<ListenerOptions, 'token'> = {}): Promise<Listener> {
    return connect(socket.url, { token: this.token, ...options });
  }
}
