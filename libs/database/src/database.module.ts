import { Module, type DynamicModule } from '@nestjs/common';
import { ProcessConfig } from '#config';
import { Database } from './database.ts';

@Module({})
export class DatabaseModule {
  static forApp(app: string): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: Database,
          inject: [ProcessConfig],
          useFactory: ({ DATABASE_URL, DATABASE_POOL_SIZE }: ProcessConfig) =>
            new Database({ url: DATABASE_URL, poolSize: DATABASE_POOL_SIZE, applicationName: `tidings-${app}` }),
        },
      ],
      exports: [Database],
    };
  }
}
