import { randomUUID } from 'node:crypto';
import { InjectQueue } from '@nestjs/bullmq';
import { Body, Controller, ForbiddenException, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { Queue } from 'bullmq';
import { JwtGuard, type AuthenticatedRequest } from './jwt.guard.ts';
import { Announce, CreateMessage } from './message.dto.ts';
import { MESSAGES_QUEUE, type MessageJobs } from './messages-queue.ts';

interface Accepted {
  id: string;
  status: 'pending';
}

@Controller('v1')
@UseGuards(JwtGuard)
export class MessagesController {
  constructor(@InjectQueue(MESSAGES_QUEUE) private readonly queue: Queue) {}

  @Post('messages')
  @HttpCode(202)
  async create(@Req() { user }: AuthenticatedRequest, @Body() { id = randomUUID(), text }: CreateMessage) {
    return this.add('create', { id, userId: user.sub, text });
  }

  @Post('announcements')
  @HttpCode(202)
  async announce(@Req() { user }: AuthenticatedRequest, @Body() { title, body }: Announce) {
    if (!user.scope.split(' ').includes('announce')) throw new ForbiddenException();
    return this.add('announce', { id: randomUUID(), title, body });
  }

  private async add<Name extends keyof MessageJobs>(name: Name, data: MessageJobs[Name]): Promise<Accepted> {
    await this.queue.add(name, data);
    return { id: data.id, status: 'pending' };
  }
}
