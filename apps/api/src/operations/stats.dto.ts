import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

class InstanceView {
  @ApiProperty({ description: '`INSTANCE_ID`, stable over restarts where it is set' })
  id!: string;

  @ApiProperty({ example: 'socket' })
  app!: string;

  @ApiProperty({ minimum: 0 })
  connections!: number;

  @ApiProperty({ minimum: 0, description: 'different users on this instance, guests not counted' })
  users!: number;

  @ApiProperty({ format: 'date-time' })
  startedAt!: string;

  @ApiProperty({ format: 'date-time', description: 'an instance that is silent for 4 s is left out' })
  heartbeatAt!: string;
}

class QueueView {
  @ApiProperty({ minimum: 0, description: 'tickets with a priority included' })
  waiting!: number;

  @ApiProperty({ minimum: 0 })
  active!: number;

  @ApiProperty({ minimum: 0 })
  delayed!: number;
}

class BacklogView {
  @ApiProperty({ minimum: 0, maximum: 100_000, description: 'unfinished actions; 100000 means that many or more' })
  pending!: number;

  @ApiProperty({ minimum: 0, description: 'age of the oldest unfinished action; 0 when there is none' })
  oldestPendingMs!: number;
}

/** The system at this moment. */
export class StatsView {
  @ApiProperty({ type: [InstanceView] })
  instances!: InstanceView[];

  @ApiProperty({ minimum: 0, description: 'sum over the instances' })
  connections!: number;

  @ApiProperty({ minimum: 0, description: 'sum over the instances: who is on two of them counts twice' })
  users!: number;

  @ApiProperty({ type: QueueView, nullable: true, description: 'tickets; null while Redis does not answer' })
  queue!: QueueView | null;

  @ApiProperty()
  ledger!: BacklogView;

  @ApiPropertyOptional({ description: 'there, and true, while Redis does not answer: part of this is missing' })
  degraded?: true;
}
