import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ActionsModule, RESOURCES } from '#actions';
import { AuthModule, BearerGuard } from '#auth';
import { ChannelsModule } from '#channels';
import { ApiConfig, ConfigModule } from '#config';
import { DatabaseModule } from '#database';
import { InstancesModule } from '#instances';
import { TelemetryModule } from '#telemetry';
import { ActionsController } from './actions/actions.controller.ts';
import { BatchService } from './actions/batch.service.ts';
import { CancellationService } from './actions/cancellation.service.ts';
import { OutcomeWaiter } from './actions/outcome-waiter.ts';
import { SubmissionService } from './actions/submission.service.ts';
import { ApiHealth } from './api.health.ts';
import { DevelopmentController } from './development/development.controller.ts';
import { ProcessesController } from './development/processes.controller.ts';
import { ProblemFilter, RateLimitGuard } from '#http';
import { ErasureService } from './operations/erasure.service.ts';
import { InspectionController } from './operations/inspection.controller.ts';
import { InspectionService } from './operations/inspection.service.ts';
import { RevocationsController } from './operations/revocations.controller.ts';
import { StatsController } from './operations/stats.controller.ts';
import { OutcomesController } from './outcomes/outcomes.controller.ts';
import { resourceControllers } from './resources/resource-controllers.ts';

/** Accepts actions and serves reads; keeps nothing in memory that another instance would need. */
@Module({})
export class ApiModule {
  static forConfig({ NODE_ENV }: Pick<ApiConfig, 'NODE_ENV'>): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        ConfigModule.forApp(ApiConfig),
        TelemetryModule.forApp({ app: 'api', health: ApiHealth, imports: [ActionsModule] }),
        DatabaseModule.forApp('api'),
        AuthModule,
        ActionsModule,
        ChannelsModule.forPublisher(),
        InstancesModule.forApp('api'),
      ],
      controllers: [
        ActionsController,
        InspectionController,
        OutcomesController,
        RevocationsController,
        StatsController,
        ...RESOURCES.flatMap((Resource) => resourceControllers(Resource, new Resource())),
        ...(NODE_ENV === 'development' ? [DevelopmentController, ProcessesController] : []),
      ],
      providers: [
        BatchService,
        CancellationService,
        ErasureService,
        InspectionService,
        OutcomeWaiter,
        SubmissionService,
        RateLimitGuard,
        { provide: APP_GUARD, useClass: BearerGuard },
        { provide: APP_GUARD, useExisting: RateLimitGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
