import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { AuthConfig } from './auth.config.ts';
import { loadConfig } from './load-config.ts';
import { ProcessConfig } from './process.config.ts';

/** Provides the config of an app under its class, and under the classes that libraries know. */
@Module({})
export class ConfigModule {
  static forApp<Config extends ProcessConfig>(schema: Type<Config>): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: schema, useFactory: () => loadConfig(schema) },
        { provide: ProcessConfig, useExisting: schema },
        { provide: AuthConfig, useExisting: schema },
      ],
      exports: [schema, ProcessConfig, AuthConfig],
    };
  }
}
