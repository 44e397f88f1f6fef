import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { ProcessConfig } from '#config';
import { logOptions } from './log-options.ts';

/**
 * Structured logs of an app, one JSON object a line. Requests are not logged one by one
 * (metrics count what they bring); tokens and cookies never are.
 */
export function loggerModule(app: string): DynamicModule {
  return LoggerModule.forRootAsync({
    inject: [ProcessConfig],
    useFactory: ({ LOG_LEVEL, INSTANCE_ID }: ProcessConfig) => ({
      pinoHttp: {
        ...logOptions({ app, instance: INSTANCE_ID, level: LOG_LEVEL }),
        autoLogging: false,
        quietReqLogger: true,
      },
      // Only the logger is wanted; a middleware on every request would cost without serving.
      forRoutes: [],
    }),
  });
}
