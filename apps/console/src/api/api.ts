import { TidingsError } from '#client';
import type { Problem } from '#contracts';

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 10_000;

/** Calls of the api that the client has no method for. */
export class Api {
  private readonly source: () => Promise<string>;
  private last: Promise<string> | undefined;

  constructor(source: () => Promise<string>) {
    this.source = source;
  }

  /** @throws {TidingsError} */
  async call<Body>(method: string, path: string): Promise<Body> {
    let response = await this.send(method, path);
    if (response.status === 401) response = await this.send(method, path, true);
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return body as Body;
    const { code = 'UNEXPECTED_ANSWER', detail = `The answer was ${response.status}` } = (body ??
      {}) as Partial<Problem>;
    throw new TidingsError(code, detail, { status: response.status });
  }

  private async send(method: string, path: string, refused = false): Promise<Response> {
    const headers = { authorization: `Bearer ${await this.token(refused)}` };
    return fetch(path, { method, headers, signal: AbortSignal.timeout(ANSWER_MS) }).catch((cause: unknown) => {
      throw new TidingsError('NETWORK', `${method} ${path} was not answered`, { cause });
    });
  }

  /** The same one until it is refused. */
  private token(refused: boolean): Promise<string> {
    if (refused) this.last = undefined;
    this.last ??= this.source().catch((error: unknown) => {
      this.last = undefined;
      throw error;
    });
    return this.last;
  }
}
