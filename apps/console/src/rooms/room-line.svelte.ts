import { io, type Socket } from 'socket.io-client';
import type { ClientState } from '#client';
import type { Ack, EphemeralEnvelope, Envelope, Session, Subscribed } from '#contracts';

/** How long the answer to a command may take, in milliseconds. */
const ACK_MS = 10_000;

/** Pause before it comes back from a refusal or an end by the server, in milliseconds. */
const BACK_AFTER_MS = 1_000;

export interface RoomLineListener {
  event(event: Envelope | EphemeralEnvelope): void;
  /** It is online: what was subscribed to is to be subscribed to again. */
  connected(): void;
}

interface FromServer {
  session: (session: Session) => void;
  event: (event: Envelope | EphemeralEnvelope) => void;
  goaway: () => void;
}

/** The socket on which rooms are heard: commands of plain socket.io, as the contract has them. */
export class RoomLine {
  state: ClientState = $state('offline');
  /** Kept while offline. */
  instance: string | undefined = $state();
  private url: string;
  private socket: Socket<FromServer> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly token: (refused?: boolean) => Promise<string>;
  private readonly listener: RoomLineListener;

  constructor(url: string, token: (refused?: boolean) => Promise<string>, listener: RoomLineListener) {
    this.url = url;
    this.token = token;
    this.listener = listener;
  }

  connect(): void {
    if (this.socket) return;
    this.state = 'connecting';
    const socket: Socket<FromServer> = io(this.url, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 200,
      reconnectionDelayMax: 2_000,
      auth: (take) =>
        void this.token().then(
          (token) => take({ token }),
          () => take({}),
        ),
    });
    this.socket = socket;
    socket.on('session', ({ instance, userId }) => {
      // Without a token it would be a guest, who hears no room.
      if (userId === null) return this.comeBack(socket, true);
      this.instance = instance;
      this.state = 'online';
      this.listener.connected();
    });
    socket.on('event', (event) => this.listener.event(event));
    socket.on('connect_error', () => {
      if (!socket.active) this.comeBack(socket, true);
    });
    socket.on('disconnect', () => {
      this.state = 'reconnecting';
      if (!socket.active) this.comeBack(socket);
    });
  }

  drop(): void {
    clearTimeout(this.timer);
    this.socket?.removeAllListeners().disconnect();
    this.socket = undefined;
    this.state = 'offline';
  }

  moveTo(url: string): void {
    const isWanted = this.socket !== undefined;
    this.drop();
    this.url = url;
    if (isWanted) this.connect();
  }

  /** What is missed since the cursor follows as events. */
  subscribe(channel: string, cursor?: string): Promise<Ack<Subscribed>> {
    return this.command('subscribe', { channel, ...(cursor !== undefined && { cursor }) });
  }

  presence(channel: string): Promise<Ack<{ users: string[] }>> {
    return this.command('presence', { channel });
  }

  private async command<Answer extends object>(name: string, body: object): Promise<Ack<Answer>> {
    const { socket } = this;
    if (!socket) throw new Error('not connected');
    return (await socket.timeout(ACK_MS).emitWithAck(name as never, ...([body] as never))) as Ack<Answer>;
  }

  private comeBack(socket: Socket, renew = false): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (renew) void this.token(true).catch(() => undefined);
      socket.disconnect().connect();
    }, BACK_AFTER_MS);
  }
}
