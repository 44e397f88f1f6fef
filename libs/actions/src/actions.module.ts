import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import { LedgerModule } from '#ledger';
import type { QueueModule } from '#queue';
import { RESOURCES, type Resource } from '#resources';
import { Acceptor } from './acceptor.ts';
import { ActionCatalogue } from './action-catalogue.ts';
import { ActionsService } from './actions.service.ts';

type ActionsConfig = { ACTION_TTL_SECONDS: number };

/** The catalogue of action types, for every app. */
@Module({
  providers: [
    ...RESOURCES,
    {
      provide: ActionCatalogue,
      inject: RESOURCES,
      useFactory: (...resources: Resource[]) => new ActionCatalogue(resources),
    },
  ],
  exports: [ActionCatalogue, ...RESOURCES],
})
export class CatalogueModule {}

/** The way in for actions, for apps that take them from clients. */
@Module({})
export class ActionsModule {
  /**
   * @param config the token of the app's config
   * @param queue the queue module of the app
   */
  static forApp(config: InjectionToken<ActionsConfig>, queue: ReturnType<typeof QueueModule.forApp>): DynamicModule {
    return {
      module: ActionsModule,
      imports: [CatalogueModule, LedgerModule, queue],
      providers: [
        Acceptor,
        {
          provide: ActionsService,
          inject: [ActionCatalogue, Acceptor, config],
          useFactory: (catalogue: ActionCatalogue, acceptor: Acceptor, { ACTION_TTL_SECONDS }: ActionsConfig) =>
            new ActionsService(catalogue, acceptor, { ttlSeconds: ACTION_TTL_SECONDS }),
        },
      ],
      exports: [ActionsService, CatalogueModule, LedgerModule],
    };
  }
}
