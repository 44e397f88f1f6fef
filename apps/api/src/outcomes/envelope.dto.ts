import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** An event of a channel, as lists show it: CloudEvents 1.0. */
export class EnvelopeView {
  @ApiProperty({ enum: ['1.0'] })
  specversion!: '1.0';

  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: ['/tidings'] })
  source!: '/tidings';

  @ApiProperty({ example: 'action.succeeded' })
  type!: string;

  @ApiProperty({ example: 'messages/<id>' })
  subject!: string;

  @ApiProperty({ format: 'date-time' })
  time!: string;

  @ApiProperty({ example: 'user:alice' })
  channel!: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  offset!: number;

  @ApiProperty()
  cursor!: string;

  @ApiPropertyOptional({ description: 'W3C Trace Context, when the submit of an own action had one' })
  traceparent?: string;

  @ApiProperty({ type: Object, description: 'an action, or what its `type` has' })
  data!: object;

  @ApiPropertyOptional({ enum: [true] })
  replayed?: true;
}
