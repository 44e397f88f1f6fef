import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { TicketQueue } from '#queue';
import { HealthChecks, type HealthCheck } from '#telemetry';

@Injectable()
export class ApiHealth extends HealthChecks {
  constructor(
    private readonly database: Database,
    private readonly tickets: TicketQueue,
  ) {
    super();
  }

  readonly checks: readonly HealthCheck[] = [
    { name: 'postgres', failure: 'unready', check: async () => (await this.database.query('select 1')).length === 1 },
    // Without Redis, actions are accepted all the same.
    { name: 'queue', failure: 'degraded', check: () => this.tickets.answers() },
  ];
}
