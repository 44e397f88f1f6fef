import { Module } from '@nestjs/common';
import { ChannelsModule } from '#channels';
import { LedgerModule } from '#ledger';
import { EventBus } from './event-bus.ts';
import { EventPublisher } from './event-publisher.ts';

/** Publishing to sockets from any service that has a config and a database. */
@Module({
  imports: [LedgerModule, ChannelsModule.forPublisher()],
  providers: [EventBus, EventPublisher],
  exports: [EventBus, EventPublisher],
})
export class PublishingModule {}
