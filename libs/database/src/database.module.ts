import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import type { ProcessConfig } from '#config';
import { Database } from './database.ts';

@Module({})
export class DatabaseModule {
  /** @param config the token of the app's config */
  static forApp(app: string, config: InjectionToken<ProcessConfig>): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: Database,
          inject: [config],
          useFactory: ({ DATABASE_URL, DATABASE_POOL_SIZE }: ProcessConfig) =>
            new Database({ url: DATABASE_URL, poolSize: DATABASE_POOL_SIZE, applicationName: `tidings-${app}` }),
        },
      ],
      exports: [Database],
    };
  }
}
