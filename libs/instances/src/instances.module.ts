import { Module, type DynamicModule } from '@nestjs/common';
import { ProcessConfig } from '#config';
import { InstanceRegistry } from './instance-registry.ts';

/** Makes this process known as a running instance of its app, and shows the others. */
@Module({})
export class InstancesModule {
  static forApp(app: string): DynamicModule {
    return {
      module: InstancesModule,
      providers: [
        {
          provide: InstanceRegistry,
          inject: [ProcessConfig],
          useFactory: ({ REDIS_URL, REDIS_PREFIX, INSTANCE_ID }: ProcessConfig) =>
            new InstanceRegistry({ url: REDIS_URL, prefix: REDIS_PREFIX, instance: INSTANCE_ID, app }),
        },
      ],
      exports: [InstanceRegistry],
    };
  }
}
