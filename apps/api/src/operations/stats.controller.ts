import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '#auth';
import { Database } from '#database';
import { InstanceRegistry, type InstanceLoad } from '#instances';
import { backlogStatement } from '#ledger';
import { TicketQueue } from '#queue';
import { ProblemResponses } from '../http/problem-responses.ts';
import { StatsView } from './stats.dto.ts';

@ApiTags('operations')
@ApiBearerAuth()
@RequireScope('ops')
@Controller('v1/stats')
export class StatsController {
  constructor(
    private readonly instances: InstanceRegistry,
    private readonly tickets: TicketQueue,
    private readonly database: Database,
  ) {}

  @ApiOperation({
    summary: 'The running instances and what they carry, the tickets of the queue, and what has no outcome yet',
    description: 'Without Redis: `degraded`, no instances, and `queue` is null; the ledger is told all the same.',
  })
  @ApiOkResponse({ type: StatsView })
  @ProblemResponses('FORBIDDEN')
  @Get()
  async stats(): Promise<StatsView> {
    const [known, queue, ledger] = await Promise.all([
      this.instances.list().catch(() => null),
      this.tickets.counts(),
      backlogStatement(this.database),
    ]);
    const instances = known ?? [];
    const sum = (what: keyof InstanceLoad): number => instances.reduce((total, each) => total + each[what], 0);
    const isDegraded = known === null || queue === null;
    return {
      instances,
      connections: sum('connections'),
      users: sum('users'),
      queue,
      ledger,
      ...(isDegraded && { degraded: true as const }),
    };
  }
}
