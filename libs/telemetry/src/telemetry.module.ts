import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata, type Type } from '@nestjs/common';
import { collectDefaultMetrics, register } from 'prom-client';
import type { ProcessConfig } from '#config';
import { HealthChecks } from './health.ts';
import { loggerModule } from './logger.module.ts';
import { OperationsController } from './operations.controller.ts';
import { APP_CONFIG } from './telemetry.tokens.ts';

export interface TelemetryOptions {
  app: string;
  /** The token of the app's config. */
  config: InjectionToken<ProcessConfig>;
  health: Type<HealthChecks>;
  /** What the health checks need. */
  imports?: ModuleMetadata['imports'];
}

/** Logs, health and metrics of an app. */
@Module({})
export class TelemetryModule {
  static forApp({ app, config, health, imports = [] }: TelemetryOptions): DynamicModule {
    register.setDefaultLabels({ app });
    if (!register.getSingleMetric('process_cpu_user_seconds_total')) collectDefaultMetrics();
    return {
      module: TelemetryModule,
      imports: [loggerModule(app, config), ...imports],
      controllers: [OperationsController],
      providers: [
        { provide: APP_CONFIG, useExisting: config },
        { provide: HealthChecks, useClass: health },
      ],
    };
  }
}
