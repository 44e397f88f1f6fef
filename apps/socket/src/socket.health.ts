import { Injectable } from '@nestjs/common';
import { ChannelsServer } from '#channels';
import { Database } from '#database';
import { HealthChecks, type HealthCheck } from '#telemetry';

@Injectable()
export class SocketHealth extends HealthChecks {
  constructor(
    private readonly database: Database,
    private readonly channels: ChannelsServer,
  ) {
    super();
  }

  readonly checks: readonly HealthCheck[] = [
    { name: 'postgres', failure: 'unready', check: async () => (await this.database.query('select 1')).length === 1 },
    // Without Redis, events come late, from the ledger.
    { name: 'subscriber', failure: 'degraded', check: () => this.channels.isConnected },
  ];
}
