import { JwtService } from '@nestjs/jwt';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { roomOf } from '../notification-path.ts';
import type { Claims } from './jwt.guard.ts';

@WebSocketGateway()
export class OutcomeGateway implements OnGatewayInit<Server> {
  constructor(private readonly jwt: JwtService) {}

  afterInit(server: Server): void {
    server.use((socket, next) => {
      const { token = '' } = socket.handshake.auth as { token?: string };
      void this.admit(token, socket, next);
    });
  }

  private async admit(token: string, socket: Socket, next: (refused?: Error) => void): Promise<void> {
    let refused: Error | undefined;
    try {
      const { sub } = await this.jwt.verifyAsync<Claims>(token);
      await socket.join(roomOf(sub));
    } catch {
      refused = new Error('UNAUTHENTICATED');
    }
    next(refused);
  }
}
