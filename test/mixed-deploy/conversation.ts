import type { createClient, TidingsClient } from '#client';
import { eventually, token } from '#testing';

export interface ConversationOptions {
  /** URLs of the balancers. */
  api: string;
  socket: string;
  /** With which version of the SDK each of them came. */
  users: Readonly<Record<'alice' | 'bob', typeof createClient>>;
}

/** Two people in a room, who stay connected and say something now and then, whatever becomes of the processes behind. */
export class Conversation {
  readonly said: string[] = [];
  /** What each of them heard, and at which offsets. */
  readonly heard = new Map<string, { texts: string[]; offsets: number[] }>();
  readonly #clients = new Map<string, TidingsClient>();
  #room = '';

  static async start({ api, socket, users }: ConversationOptions): Promise<Conversation> {
    const conversation = new Conversation();
    for (const [name, create] of Object.entries(users)) {
      const scopes = ['announce'];
      const client = create({ baseUrl: api, socketUrl: socket, token: () => token(name, { scopes }) });
      conversation.#clients.set(name, client);
      await client.connect();
    }
    await conversation.enter();
    return conversation;
  }

  client(name: 'alice' | 'bob'): TidingsClient {
    return this.#clients.get(name)!;
  }

  /** Both say something; resolves when both have heard it, and see each other. */
  async go(about: string): Promise<void> {
    for (const [name, client] of this.#clients) {
      const text = `${name} about ${about}`;
      this.said.push(text);
      const message = await client.messages.create({ text, roomId: this.#room });
      const { status } = await message.outcome();
      if (status !== 'succeeded') throw new Error(`"${text}" has ${status}`);
    }
    await eventually(async () => {
      for (const [name, client] of this.#clients) {
        const { length } = this.heard.get(name)!.texts;
        const present = await client.room(this.#room).presence();
        if (length < this.said.length || present.length < this.#clients.size) {
          throw new Error(`${name} heard ${length} of ${this.said.length}, and sees ${present.join(', ')}`);
        }
      }
    });
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  private async enter(): Promise<void> {
    const alice = this.client('alice');
    const created = await alice.rooms.create({ name: 'Both' });
    this.#room = created.action.resource.id;
    await (await alice.rooms.addMember(this.#room, 'bob')).outcome();
    for (const [name, client] of this.#clients) {
      const heard = { texts: [] as string[], offsets: [] as number[] };
      this.heard.set(name, heard);
      const subscription = client.room(this.#room).subscribe((event) => {
        if (!('offset' in event)) return;
        heard.offsets.push(event.offset);
        heard.texts.push((event.data as { text: string }).text);
      });
      await subscription.ready;
    }
  }
}
