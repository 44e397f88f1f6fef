import { Agent } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import {
  decodeCursor,
  type ClientToServerEvents,
  type EphemeralEnvelope,
  type Envelope,
  type Goaway,
  type HandshakeAuth,
  type OutcomeEnvelope,
  type Problem,
  type ServerToClientEvents,
  type Session,
} from '#contracts';
import { atEndOfFile } from './cleanup.ts';
import { eventually } from './eventually.ts';

/** How long a connection may take, in milliseconds. */
const CONNECT_MS = 10_000;

/** How long an outcome may take, in milliseconds, unless a test says otherwise. */
const OUTCOME_MS = 10_000;

export interface ListenerOptions extends HandshakeAuth {
  /** Headers of the handshake, e.g. an `Origin`. */
  headers?: Record<string, string>;
  /** How it connects (default: by websocket only). */
  transports?: ('polling' | 'websocket')[];
  /** The loopback address that it calls from, where a balancer tells clients by theirs. */
  localAddress?: string;
  /** Whether it comes back by itself, with the cursors that it has reached (default: yes). */
  reconnects?: boolean;
}

/** The handshake was refused. */
export class ConnectionRefused extends Error {
  override readonly name = 'ConnectionRefused';
  readonly problem: Problem | undefined;

  constructor(message: string, problem: Problem | undefined) {
    super(message);
    this.problem = problem;
  }
}

/** A plain socket.io client that records all it hears, and comes back with its last cursors. */
export class Listener {
  readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  /** One for each connection. */
  readonly sessions: Session[] = [];
  readonly outcomes: OutcomeEnvelope[] = [];
  readonly events: Envelope[] = [];
  /** Events without a place in their channel, such as `presence.joined`. */
  readonly ephemera: EphemeralEnvelope[] = [];
  readonly goaways: Goaway[] = [];
  readonly #cursors = new Map<string, string>();

  constructor(url: string, options: ListenerOptions = {}) {
    const { token, cursor, cursors, headers, transports = ['websocket'], localAddress, reconnects = true } = options;
    const given = [...(cursors ?? []), ...(cursor === undefined ? [] : [cursor])];
    this.socket = io(url, {
      transports,
      // The client takes any agent, though its types promise a name.
      ...(localAddress !== undefined && { agent: new Agent({ localAddress, keepAlive: true }) as unknown as string }),
      forceNew: true,
      reconnection: reconnects,
      reconnectionDelay: 50,
      reconnectionDelayMax: 250,
      ...(headers && { extraHeaders: headers }),
      auth: (send) => {
        const known = [...this.#cursors.values()];
        const positions = this.sessions.length === 0 ? given : known;
        send({ ...(token !== undefined && { token }), ...(positions.length > 0 && { cursors: positions }) });
      },
    });
    this.socket.on('session', (session) => {
      this.sessions.push(session);
      for (const text of session.cursors) this.reach(text);
    });
    this.socket.on('outcome', (outcome) => {
      this.outcomes.push(outcome);
      this.reach(outcome.cursor);
    });
    this.socket.on('event', (event) => {
      if ('offset' in event) {
        this.events.push(event);
        this.reach(event.cursor);
      } else this.ephemera.push(event);
    });
    this.socket.on('goaway', (goaway) => this.goaways.push(goaway));
  }

  /** The present session. */
  get session(): Session {
    const session = this.sessions.at(-1);
    if (!session) throw new Error('no session was heard');
    return session;
  }

  /** The offsets of its outcomes, as they came. */
  get offsets(): number[] {
    return this.outcomes.map(({ offset }) => offset);
  }

  /** The ids of the actions whose outcomes it heard, as they came. */
  get actionIds(): string[] {
    return this.outcomes.map(({ data }) => data.id);
  }

  /** Waits for the outcome of an action, which may have come before. */
  outcomeOf({ id }: { id: string }, timeoutMs = OUTCOME_MS): Promise<OutcomeEnvelope> {
    return eventually(
      () => {
        const outcome = this.outcomes.find(({ data }) => data.id === id);
        if (!outcome) throw new Error(`no outcome of ${id} was heard within ${timeoutMs} ms; ${this.describe()}`);
        return outcome;
      },
      { timeoutMs },
    );
  }

  /** Waits for the outcomes of all these actions. */
  async outcomesOf(actions: readonly { id: string }[], timeoutMs = OUTCOME_MS): Promise<void> {
    await eventually(
      () => {
        const heard = new Set(this.actionIds);
        const missing = actions.filter(({ id }) => !heard.has(id));
        if (missing.length > 0) {
          throw new Error(
            `${missing.length} of ${actions.length} outcomes were not heard within ${timeoutMs} ms, ` +
              `the first ${missing[0]!.id}; ${this.describe()}`,
          );
        }
      },
      { timeoutMs },
    );
  }

  close(): void {
    this.socket.disconnect();
  }

  private reach(cursor: string): void {
    const position = decodeCursor(cursor);
    if (position) this.#cursors.set(position.channel, cursor);
  }

  private describe(): string {
    const { connected } = this.socket;
    return `${connected ? 'connected' : 'not connected'}, ${this.sessions.length} sessions, offsets ${this.offsets.join(' ') || 'none'}`;
  }
}

/**
 * Connects, and waits for the session. It is closed at the end of the test file.
 *
 * @throws {ConnectionRefused} with the problem that the server gave
 */
export async function connect(url: string, options: ListenerOptions = {}): Promise<Listener> {
  const listener = new Listener(url, options);
  atEndOfFile(async () => listener.close());
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no session within ${CONNECT_MS} ms`)), CONNECT_MS);
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        end();
      };
      listener.socket.once('session', () => settle(resolve));
      listener.socket.once('connect_error', (error: Error & { data?: Problem }) =>
        settle(() => reject(new ConnectionRefused(error.message, error.data))),
      );
    });
  } catch (error) {
    listener.close();
    throw error;
  }
  return listener;
}
