import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { Action } from '#contracts';
import { ActionView } from '../actions/action.dto.ts';
import { ActionsQuery } from '../actions/actions.query.ts';

/** Query of the list of all actions. */
export class InspectionQuery extends OmitType(ActionsQuery, ['resourceId']) {
  @ApiPropertyOptional({ description: '`sub` of who submitted them' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  owner?: string;
}

/** An action with all that operators may see. */
export class InspectedActionView extends ActionView {
  @ApiProperty()
  owner!: string;

  @ApiProperty({ type: Object, nullable: true })
  payload!: unknown;

  @ApiProperty({ type: 'integer', nullable: true })
  ifMatch!: number | null;

  @ApiProperty({ type: String, nullable: true })
  traceparent!: string | null;

  @ApiProperty({ format: 'date-time' })
  expiresAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'when it is tried again' })
  runAt!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'the action that it was a retry of' })
  retryOf!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'the action by which it was tried again' })
  retriedBy!: string | null;
}

/** What {@link InspectedActionView} shows. */
export type InspectedAction = Action & Omit<InspectedActionView, keyof ActionView>;

/** What was erased of a user. */
export class ErasureView {
  @ApiProperty({ type: 'integer' })
  cancelled!: number;

  @ApiProperty({ type: 'integer' })
  actions!: number;

  @ApiProperty({ type: 'integer' })
  events!: number;
}
