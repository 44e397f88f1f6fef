import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray } from 'class-validator';
import { AcceptedActionView, ProblemView } from './action.dto.ts';

/** Most actions in one batch. */
export const BATCH_MOST = 1_000;

class BatchItem {
  @ApiProperty({ example: 'messages.create' })
  type!: string;

  @ApiProperty({ format: 'uuid', required: false })
  resourceId?: string;

  @ApiProperty({ type: Object, required: false })
  payload?: object;

  @ApiProperty({ required: false, minLength: 8, maxLength: 255 })
  idempotencyKey?: string;

  @ApiProperty({ required: false, example: '"3"' })
  ifMatch?: string;
}

/** Actions to submit at once, in order. Each is validated, and answered, for itself. */
export class BatchRequest {
  @ApiProperty({ type: [BatchItem], minItems: 1, maxItems: BATCH_MOST })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(BATCH_MOST)
  actions!: unknown[];
}

class BatchResult {
  @ApiProperty({ type: AcceptedActionView, required: false })
  action?: AcceptedActionView;

  @ApiProperty({ type: ProblemView, required: false })
  problem?: ProblemView;
}

export class BatchResponse {
  @ApiProperty({ type: [BatchResult], description: 'one for each action, in order' })
  results!: BatchResult[];
}
