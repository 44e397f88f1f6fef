import { Module } from '@nestjs/common';
import { AuthConfig } from '#config';
import { LedgerModule } from '#ledger';
import { QueueModule } from '#queue';
import type { Resource } from '#resources';
import { Acceptor } from './acceptor.ts';
import { ActionCatalogue } from './action-catalogue.ts';
import { ActionsService } from './actions.service.ts';
import { RESOURCES } from './resources.ts';

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
@Module({
  imports: [CatalogueModule, LedgerModule, QueueModule],
  providers: [
    Acceptor,
    {
      provide: ActionsService,
      inject: [ActionCatalogue, Acceptor, AuthConfig],
      useFactory: (catalogue: ActionCatalogue, acceptor: Acceptor, { ACTION_TTL_SECONDS }: AuthConfig) =>
        new ActionsService(catalogue, acceptor, { ttlSeconds: ACTION_TTL_SECONDS }),
    },
  ],
  exports: [ActionsService, CatalogueModule, LedgerModule, QueueModule],
})
export class ActionsModule {}
