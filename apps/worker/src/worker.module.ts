import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CatalogueModule } from '#actions';
import { ChannelsModule } from '#channels';
import { ConfigModule, WorkerConfig } from '#config';
import { DatabaseModule } from '#database';
import { ProblemFilter } from '#http';
import { InstancesModule } from '#instances';
import { LedgerModule } from '#ledger';
import { QueueModule } from '#queue';
import { TelemetryModule } from '#telemetry';
import { ApplyService } from './apply/apply.service.ts';
import { FailureService } from './apply/failure.service.ts';
import { Handlers } from './apply/handlers.ts';
import { Joiner } from './apply/joiner.ts';
import { Performer } from './apply/performer.ts';
import { ProgressReporter } from './apply/progress.ts';
import { PublisherService } from './apply/publisher.service.ts';
import { Suspects } from './apply/suspects.ts';
import { ExpiryService } from './tickets/expiry.service.ts';
import { RetentionService } from './tickets/retention.service.ts';
import { Sweeper } from './tickets/sweeper.ts';
import { TicketProcessor } from './tickets/ticket.processor.ts';
import { WorkerMetrics } from './worker.metrics.ts';
import { WorkerHealth } from './worker.health.ts';

const channels = ChannelsModule.forPublisher();

/** Takes tickets, applies their actions, publishes the outcomes. */
@Module({
  imports: [
    ConfigModule.forApp(WorkerConfig),
    TelemetryModule.forApp({ app: 'worker', health: WorkerHealth, imports: [QueueModule, channels] }),
    DatabaseModule.forApp('worker'),
    InstancesModule.forApp('worker'),
    LedgerModule,
    CatalogueModule,
    QueueModule,
    channels,
  ],
  providers: [
    ApplyService,
    ExpiryService,
    FailureService,
    Handlers,
    Joiner,
    Performer,
    ProgressReporter,
    PublisherService,
    RetentionService,
    Suspects,
    Sweeper,
    TicketProcessor,
    WorkerMetrics,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class WorkerModule {}
