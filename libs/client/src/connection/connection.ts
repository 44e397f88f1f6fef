import { io, type Socket } from 'socket.io-client';
import type {
  Ack,
  ClientToServerEvents,
  EphemeralEnvelope,
  Envelope,
  Goaway,
  OutcomeEnvelope,
  Problem,
  Progress,
  ServerToClientEvents,
  Session,
} from '#contracts';

/** How long it may take to the session, in milliseconds. */
const SESSION_MS = 20_000;

/** How long the answer to a command may take, in milliseconds. */
const ACK_MS = 10_000;

/** Commands of which each has its own answer. */
export type CommandName = 'subscribe' | 'unsubscribe' | 'presence' | 'mirror';

/** `late`: none came in time; `closed`: the connection ended before it came. */
export type CommandAnswer<Result extends object> = Ack<Result> | 'late' | 'closed';

interface UntypedEmitter<Result extends object> {
  emit(name: string, payload: object, ack: (error: Error | null, answer: Ack<Result>) => void): void;
}

/** Why a connection ended. */
export type ConnectionEnd =
  | { kind: 'lost'; detail: string }
  | { kind: 'goaway'; goaway: Goaway }
  | { kind: 'refused'; problem: Problem };

export interface ConnectionHandlers {
  session(session: Session): void;
  outcome(outcome: OutcomeEnvelope): void;
  event(event: Envelope | EphemeralEnvelope): void;
  progress(progress: EphemeralEnvelope<Progress>): void;
  /** Once; nothing comes after it. */
  ended(end: ConnectionEnd): void;
}

export interface ConnectionOptions {
  url: string;
  token: string;
  cursors: string[];
  handlers: ConnectionHandlers;
}

/** One connection, from its handshake to its end; it does not come back by itself. */
export class Connection {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #handlers: ConnectionHandlers;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor({ url, token, cursors, handlers }: ConnectionOptions) {
    this.#handlers = handlers;
    const { origin, pathname } = new URL(url);
    this.#timer = setTimeout(() => this.end({ kind: 'lost', detail: 'No session came in time' }), SESSION_MS);
    this.#socket = io(origin, {
      path: `${pathname.replace(/\/+$/, '')}/socket.io`,
      // No sticky sessions are needed.
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      auth: { token, ...(cursors.length > 0 && { cursors }) },
    });
    this.listen();
  }

  /** Ends it from this side: no handler is called any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#socket.off().disconnect();
  }

  /** @throws when it is not taken in time */
  async refresh(token: string): Promise<{ tokenExpiresAt: string }> {
    const answer = await this.#socket.timeout(ACK_MS).emitWithAck('refresh', { token });
    if (!answer.ok) throw new Error(answer.problem.detail);
    return answer;
  }

  /**
   * Sends a command. The answer is given at once when it comes, before anything that the
   * server sent after it.
   *
   * @param answered is called once, whatever happens
   */
  command<Result extends object>(
    name: CommandName,
    payload: object,
    answered: (answer: CommandAnswer<Result>) => void,
  ): void {
    const socket = this.#socket.timeout(ACK_MS) as unknown as UntypedEmitter<Result>;
    socket.emit(name, payload, (error, answer) => {
      if (!error) answered(answer);
      else answered(this.#socket.connected ? 'late' : 'closed');
    });
  }

  /**
   * @param taken is called when the server has taken it
   * @returns false when it is not connected
   */
  delivered(cursor: string, taken: () => void): boolean {
    if (!this.#socket.connected) return false;
    this.#socket.emit('delivered', { cursor }, ({ ok }) => ok && taken());
    return true;
  }

  private listen(): void {
    const socket = this.#socket;
    const handlers = this.#handlers;
    socket.on('session', (session) => {
      clearTimeout(this.#timer);
      handlers.session(session);
    });
    socket.on('outcome', (outcome) => handlers.outcome(outcome));
    socket.on('event', (event) => handlers.event(event));
    socket.on('progress', (progress) => handlers.progress(progress));
    socket.on('goaway', (goaway) => this.end({ kind: 'goaway', goaway }));
    socket.on('disconnect', (detail) => this.end({ kind: 'lost', detail }));
    socket.on('connect_error', ({ message, data }: Error & { data?: Problem }) => {
      this.end(data?.code ? { kind: 'refused', problem: data } : { kind: 'lost', detail: message });
    });
  }

  private end(end: ConnectionEnd): void {
    this.close();
    this.#handlers.ended(end);
  }
}
