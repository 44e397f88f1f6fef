import { PROBLEMS, type Problem } from '#contracts';
import { eventually, RawSocket } from '#testing';
import type { OddEvent } from './odd-events.ts';

/** How long an answer may take until it counts as none, in milliseconds. */
const SILENCE_MS = 10_000;

/** A connection that says odd things, and is made anew when the server has closed it for one. */
export class Conversation {
  #socket: RawSocket | undefined;
  #acks = 0;

  constructor(
    private readonly url: string,
    private readonly auth: string,
  ) {}

  /**
   * Says it, and judges the answer.
   *
   * @returns `ok`, the code of the problem, or `closed`
   * @throws {Error} at silence, at an answer that is neither, or when it is closed for no reason
   */
  async say({ packets, wantsAck, mayClose }: OddEvent): Promise<string> {
    const socket = await this.open();
    const id = this.nextId();
    for (const packet of packets) socket.send(typeof packet === 'string' ? packet.replace('#', String(id)) : packet);
    // Whoever wants no answer is followed by one who does: that one says whether all is well.
    const awaited = wantsAck ? id : this.nextId();
    if (!wantsAck) socket.send(`42${awaited}["delivered",{}]`);
    const answer = await this.answer(socket, awaited);
    if (answer === 'closed') {
      this.#socket = undefined;
      if (!mayClose) throw new Error(`the connection was closed with ${socket.closed}`);
      return answer;
    }
    return judge(answer);
  }

  close(): void {
    this.#socket?.close();
  }

  private nextId(): number {
    return (this.#acks += 1);
  }

  private async open(): Promise<RawSocket> {
    if (this.#socket && this.#socket.closed === undefined) return this.#socket;
    this.#socket = await RawSocket.connect(this.url, this.auth);
    await this.#socket.event('session');
    return this.#socket;
  }

  private answer(socket: RawSocket, id: number): Promise<unknown> {
    const start = `43${id}[`;
    return eventually(
      () => {
        const packet = socket.packets.find((text) => text.startsWith(start));
        socket.packets.length = 0;
        if (packet !== undefined) return (JSON.parse(packet.slice(start.length - 1)) as unknown[])[0];
        if (socket.closed !== undefined) return 'closed';
        throw new Error('nothing was answered');
      },
      { timeoutMs: SILENCE_MS, everyMs: 1 },
    );
  }
}

function judge(answer: unknown): string {
  const { ok, problem } = answer as { ok: boolean; problem?: Problem };
  if (ok) return 'ok';
  const { code, status, detail } = problem!;
  const known = PROBLEMS[code];
  if (known?.status !== status || status >= 500) throw new Error(`acked with ${JSON.stringify(problem)}`);
  if (/\bat \S+ \(|node_modules/.test(detail)) throw new Error(`a stack trace: ${detail}`);
  return code;
}
