import { Injectable } from '@nestjs/common';
import { ChannelsClient } from '#channels';
import { Database } from '#database';
import { TicketQueue } from '#queue';
import { HealthChecks, type HealthCheck } from '#telemetry';

@Injectable()
export class WorkerHealth extends HealthChecks {
  constructor(
    private readonly database: Database,
    private readonly tickets: TicketQueue,
    private readonly channels: ChannelsClient,
  ) {
    super();
  }

  readonly checks: readonly HealthCheck[] = [
    { name: 'postgres', failure: 'unready', check: async () => (await this.database.query('select 1')).length === 1 },
    { name: 'queue', failure: 'degraded', check: () => this.tickets.answers() },
    { name: 'publisher', failure: 'degraded', check: () => this.channels.isConnected },
  ];
}
