import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';
import type { NotificationPath } from '../notification-path.ts';

/** socket.io with the notification path of the stack. */
export class StackIoAdapter extends IoAdapter {
  #attached: void | Promise<void> = undefined;

  constructor(
    app: INestApplicationContext,
    private readonly path: NotificationPath,
    private readonly redisUrl: string,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const server = super.createIOServer(port, { ...options, ...this.path.serverOptions } as ServerOptions);
    this.#attached = this.path.attach(server, this.redisUrl);
    return server;
  }

  /** Resolves once outcomes reach this process. */
  async attached(): Promise<void> {
    await this.#attached;
  }
}
