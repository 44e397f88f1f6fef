import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata } from '@nestjs/common';
import { ProcessConfig, SocketConfig } from '#config';
import { ChannelHistory } from './channel-history.ts';
import { ChannelsClient } from './channels.client.ts';
import { ChannelsServer } from './channels.server.ts';

/** The realtime library: publish with {@link ChannelsClient}, hear with {@link ChannelsServer}. */
@Module({})
export class ChannelsModule {
  /** For apps that publish. */
  static forPublisher(): DynamicModule {
    return {
      module: ChannelsModule,
      providers: [
        {
          provide: ChannelsClient,
          inject: [ProcessConfig],
          useFactory: ({ REDIS_URL, REDIS_PREFIX }: ProcessConfig) =>
            new ChannelsClient({ url: REDIS_URL, prefix: REDIS_PREFIX }),
        },
      ],
      exports: [ChannelsClient],
    };
  }

  /**
   * For apps that hear.
   *
   * @param history the token of the implementation of {@link ChannelHistory}
   * @param imports where that comes from
   */
  static forSubscriber(
    history: InjectionToken<ChannelHistory>,
    imports: ModuleMetadata['imports'] = [],
  ): DynamicModule {
    return {
      module: ChannelsModule,
      imports,
      providers: [
        { provide: ChannelHistory, useExisting: history },
        {
          provide: ChannelsServer,
          inject: [SocketConfig, ChannelHistory],
          useFactory: ({ REDIS_URL, REDIS_PREFIX, POSITION_CHECK_MS }: SocketConfig, port: ChannelHistory) =>
            new ChannelsServer({ url: REDIS_URL, prefix: REDIS_PREFIX, positionCheckMs: POSITION_CHECK_MS }, port),
        },
      ],
      exports: [ChannelsServer],
    };
  }
}
