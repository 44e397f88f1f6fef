import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ActionsModule } from '#actions';
import { AuthModule, BearerGuard } from '#auth';
import { ChannelsModule } from '#channels';
import { ApiConfig, ConfigModule } from '#config';
import { DatabaseModule } from '#database';
import { RESOURCES } from '#resources';
import { TelemetryModule } from '#telemetry';
import { ActionsController } from './actions/actions.controller.ts';
import { BatchService } from './actions/batch.service.ts';
import { CancellationService } from './actions/cancellation.service.ts';
import { OutcomeWaiter } from './actions/outcome-waiter.ts';
import { SubmissionService } from './actions/submission.service.ts';
import { ApiHealth } from './api.health.ts';
import { DevelopmentController } from './development/development.controller.ts';
import { ProblemFilter, RateLimitGuard } from '#http';
import { RevocationsController } from './operations/revocations.controller.ts';
import { OutcomesController } from './outcomes/outcomes.controller.ts';
import { resourceControllers } from './resources/resource-controllers.ts';

/** Accepts actions and serves reads; keeps nothing in memory that another instance would need. */
@Module({})
export class ApiModule {
  static forConfig({ NODE_ENV }: ApiConfig): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        ConfigModule.forApp(ApiConfig),
        TelemetryModule.forApp({ app: 'api', health: ApiHealth, imports: [ActionsModule] }),
        DatabaseModule.forApp('api'),
        AuthModule,
        ActionsModule,
        ChannelsModule.forPublisher(),
      ],
      controllers: [
        ActionsController,
        OutcomesController,
        RevocationsController,
        ...RESOURCES.flatMap((Resource) => resourceControllers(Resource, new Resource())),
        ...(NODE_ENV === 'development' ? [DevelopmentController] : []),
      ],
      providers: [
        BatchService,
        CancellationService,
        OutcomeWaiter,
        SubmissionService,
        { provide: APP_GUARD, useClass: BearerGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
