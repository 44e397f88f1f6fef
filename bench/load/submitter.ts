import { Pool } from 'undici';

const CONNECTIONS = 200;
const ID = /"id":"([0-9a-f-]{36})"/;

/** Sends POSTs, many at a time, over connections that stay open. */
export class Submitter {
  readonly #pool: Pool;

  constructor(api: string) {
    this.#pool = new Pool(api, { connections: CONNECTIONS, pipelining: 1, keepAliveTimeout: 60_000 });
  }

  /** Calls back with the id of what was accepted, or undefined when it was not. */
  post(path: string, authorization: string, body: string, settle: (id: string | undefined) => void): void {
    let status = 0;
    let text = '';
    this.#pool.dispatch(
      { method: 'POST', path, body, headers: { authorization, 'content-type': 'application/json' } },
      {
        // Without it the handler is refused.
        onRequestStart: () => undefined,
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseData: (_controller, chunk) => {
          text += chunk.toString('latin1');
        },
        onResponseEnd: () => settle(status === 202 ? ID.exec(text)?.[1] : undefined),
        onResponseError: () => settle(undefined),
      },
    );
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
