import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata } from '@nestjs/common';
import type { ProcessConfig, SocketConfig } from '#config';
import { ChannelHistory } from './channel-history.ts';
import { ChannelsClient } from './channels.client.ts';
import { ChannelsServer } from './channels.server.ts';

/** The realtime library: publish with {@link ChannelsClient}, hear with {@link ChannelsServer}. */
@Module({})
export class ChannelsModule {
  /** For apps that publish. @param config the token of the app's config */
  static forPublisher(config: InjectionToken<ProcessConfig>): DynamicModule {
    return {
      module: ChannelsModule,
      providers: [
        {
          provide: ChannelsClient,
          inject: [config],
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
   * @param config the token of the app's config
   * @param history the token of the implementation of {@link ChannelHistory}
   * @param imports where that comes from
   */
  static forSubscriber(
    config: InjectionToken<SocketConfig>,
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
          inject: [config, ChannelHistory],
          useFactory: ({ REDIS_URL, REDIS_PREFIX, POSITION_CHECK_MS }: SocketConfig, port: ChannelHistory) =>
            new ChannelsServer({ url: REDIS_URL, prefix: REDIS_PREFIX, positionCheckMs: POSITION_CHECK_MS }, port),
        },
      ],
      exports: [ChannelsServer],
    };
  }
}
