import { createClient, sessionStorageOf, type ClientState, type TidingsClient } from '#client';
import type { EphemeralEnvelope, Envelope, OutcomeEnvelope, Progress, Session } from '#contracts';
import type { DeviceKey, Hearing } from '../activity/hearing.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import type { Access } from '../sign-in/access.ts';

/** What a connection tells the page. */
export interface DeviceListener {
  heard(hearing: Hearing): void;
  /** Anything else on the user's channels. */
  event(event: Envelope | EphemeralEnvelope): void;
  progressed(progress: Progress): void;
  /** It is online again, or for the first time. Nothing that it had missed has come yet. */
  connected(session: Session): void;
}

/** One connection of the user, as a phone or another window would have it. */
export class Device {
  readonly key: DeviceKey;
  readonly client: TidingsClient;
  state: ClientState = $state('offline');
  /** The last one, kept while offline. */
  session: Session | undefined = $state.raw();
  socketUrl: string = $state('');
  lastHeard: Hearing | undefined = $state.raw();
  problem: PlainProblem | undefined = $state.raw();

  constructor(key: DeviceKey, { userId, token }: Access, socketUrl: string, listener: DeviceListener) {
    this.key = key;
    this.socketUrl = socketUrl;
    this.client = createClient({
      baseUrl: location.origin,
      socketUrl,
      token,
      storage: sessionStorageOf(`tidings.${key}.${userId}`),
    });
    this.listen(listener);
  }

  connect(): void {
    this.problem = undefined;
    this.client.connect().catch((error: unknown) => {
      // Dropped before it was online: nothing went wrong.
      if ((error as { code?: string }).code !== 'CLOSED') this.problem = inPlainWords(error);
    });
  }

  drop(): void {
    this.client.disconnect();
  }

  moveTo(socketUrl: string): void {
    this.socketUrl = socketUrl;
    this.client.useSocket(socketUrl);
  }

  close(): void {
    this.client.close();
  }

  private listen(listener: DeviceListener): void {
    const { client } = this;
    client.on('state', (state) => {
      this.state = state;
    });
    client.on('session', (session) => {
      this.session = session;
      this.problem = undefined;
      listener.connected(session);
    });
    client.on('outcome', (outcome: OutcomeEnvelope) => {
      const instance = this.session?.instance ?? '';
      this.lastHeard = { device: this.key, instance, outcome, at: performance.now() };
      listener.heard(this.lastHeard);
    });
    client.on('event', (event) => listener.event(event));
    client.on('progress', ({ data }) => listener.progressed(data));
    client.on('error', (error) => {
      this.problem = inPlainWords(error);
    });
  }
}
