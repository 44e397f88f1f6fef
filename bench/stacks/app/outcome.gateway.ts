import { JwtService } from '@nestjs/jwt';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import type { Server } from 'socket.io';
import { roomOf } from '../notification-path.ts';
import type { Claims } from './jwt.guard.ts';

@WebSocketGateway()
export class OutcomeGateway implements OnGatewayInit<Server> {
  constructor(private readonly jwt: JwtService) {}

  afterInit(server: Server): void {
    server.use((socket, next) => {
      const { token } = socket.handshake.auth as { token?: string };
      this.jwt.verifyAsync<Claims>(token ?? '').then(
        async ({ sub }) => {
          await socket.join(roomOf(sub));
          next();
        },
        () => next(new Error('UNAUTHENTICATED')),
      );
    });
  }
}
