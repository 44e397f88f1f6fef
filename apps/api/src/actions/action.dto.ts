import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ACTION_STATUSES, type ActionStatus } from '#contracts';

class ResourceReferenceView {
  @ApiProperty({ example: 'messages' })
  type!: string;

  @ApiProperty({ format: 'uuid' })
  id!: string;
}

class ProblemItemView {
  @ApiProperty({ description: 'JSON pointer (RFC 6901)', example: '/text' })
  pointer!: string;

  @ApiProperty({ example: 'IS_TEXT' })
  code!: string;

  @ApiProperty()
  detail!: string;
}

class ActionErrorView {
  @ApiProperty({ example: 'NOT_FOUND' })
  code!: string;

  @ApiProperty()
  title!: string;

  @ApiProperty()
  detail!: string;

  @ApiPropertyOptional({ type: [ProblemItemView] })
  errors?: ProblemItemView[];

  @ApiPropertyOptional({ type: Object, description: 'the resource as it is now (`PRECONDITION_FAILED`)' })
  current?: object;
}

/** An action, as clients see it. */
export class ActionView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'messages.create' })
  type!: string;

  @ApiProperty({ enum: ACTION_STATUSES })
  status!: ActionStatus;

  @ApiProperty()
  done!: boolean;

  @ApiProperty()
  resource!: ResourceReferenceView;

  @ApiProperty({ format: 'date-time' })
  submittedAt!: string;

  @ApiPropertyOptional({ format: 'date-time' })
  finishedAt?: string;

  @ApiProperty({ minimum: 0 })
  attempts!: number;

  @ApiPropertyOptional({
    type: Object,
    nullable: true,
    description: 'the resource after the change; null for a delete',
  })
  response?: object | null;

  @ApiPropertyOptional({ type: ActionErrorView })
  error?: ActionErrorView;
}

/** The action of a 202. */
export class AcceptedActionView extends ActionView {
  @ApiProperty({ description: "position in the owner's channel before the outcome: subscribe from it" })
  cursor!: string;
}

/** An `application/problem+json` document (RFC 9457). */
export class ProblemView extends ActionErrorView {
  @ApiProperty({ example: 'urn:tidings:problem:validation-failed' })
  type!: string;

  @ApiProperty({ example: 400 })
  status!: number;

  @ApiPropertyOptional({ example: '/v1/messages' })
  instance?: string;

  @ApiPropertyOptional()
  requestId?: string;
}
