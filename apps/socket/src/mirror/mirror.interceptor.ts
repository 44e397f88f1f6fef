import {
  applyDecorators,
  Injectable,
  Logger,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { tap, type Observable } from 'rxjs';
import type { Socket } from 'socket.io';
import { identityOf } from '../gateway/handshake.ts';
import { MirrorService } from './mirror.service.ts';

const MIRRORED = 'mirrored';

/**
 * Mirrors what a handler of a gateway answers: the user's other connections, on every
 * instance, get it as `event` of type `mirror` under this name.
 */
export const Mirrored = (event: string): MethodDecorator =>
  applyDecorators(SetMetadata(MIRRORED, event), UseInterceptors(MirrorInterceptor));

/** What {@link Mirrored} does. An answer that cannot be mirrored is answered all the same. */
@Injectable()
export class MirrorInterceptor implements NestInterceptor {
  private readonly logger = new Logger(MirrorInterceptor.name);

  constructor(
    private readonly reflector: Reflector,
    private readonly mirrors: MirrorService,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const event = this.reflector.get<string>(MIRRORED, context.getHandler());
    const socket = context.switchToWs().getClient<Socket>();
    return next.handle().pipe(tap((answer) => void this.mirror(socket, event, answer)));
  }

  private async mirror(socket: Socket, event: string, data: unknown): Promise<void> {
    const identity = identityOf(socket);
    if (!identity) return;
    await this.mirrors
      .send({ userId: identity.userId, socketId: socket.id }, { event, data })
      .catch((error: unknown) => this.logger.warn(`${event} was not mirrored: ${String(error)}`));
  }
}
