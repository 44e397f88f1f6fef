import { Module } from '@nestjs/common';
import { CatalogueModule } from '#actions';
import { ChannelsModule } from '#channels';
import { ConfigModule, WorkerConfig } from '#config';
import { DatabaseModule } from '#database';
import { LedgerModule } from '#ledger';
import { QueueModule } from '#queue';
import { TelemetryModule } from '#telemetry';
import { ApplyService } from './apply/apply.service.ts';
import { FailureService } from './apply/failure.service.ts';
import { Joiner } from './apply/joiner.ts';
import { PublisherService } from './apply/publisher.service.ts';
import { Suspects } from './apply/suspects.ts';
import { Sweeper } from './tickets/sweeper.ts';
import { TicketProcessor } from './tickets/ticket.processor.ts';
import { WorkerHealth } from './worker.health.ts';

const channels = ChannelsModule.forPublisher();

/** Takes tickets, applies their actions, publishes the outcomes. */
@Module({
  imports: [
    ConfigModule.forApp(WorkerConfig),
    TelemetryModule.forApp({ app: 'worker', health: WorkerHealth, imports: [QueueModule, channels] }),
    DatabaseModule.forApp('worker'),
    LedgerModule,
    CatalogueModule,
    QueueModule,
    channels,
  ],
  providers: [ApplyService, FailureService, Joiner, PublisherService, Suspects, Sweeper, TicketProcessor],
})
export class WorkerModule {}
