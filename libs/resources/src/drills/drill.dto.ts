import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { IdField, VersionField } from '../fields.ts';

/** What can go wrong in a handler, on purpose. */
export const DRILL_FAULTS = ['throw', 'reject', 'hang', 'block', 'exit', 'deep', 'nul', 'huge'] as const;
export type DrillFault = (typeof DRILL_FAULTS)[number];

/** What the handler shall do. */
export class RunDrill {
  @ApiPropertyOptional({ description: 'milliseconds of work outside the transaction' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(60_000)
  performMs?: number;

  @ApiPropertyOptional({ enum: DRILL_FAULTS })
  @IsOptional()
  @IsIn(DRILL_FAULTS)
  fault?: DrillFault;

  @ApiPropertyOptional({ description: 'on how many attempts the fault happens; on all unless given' })
  @IsOptional()
  @IsInt()
  @Min(1)
  faultyAttempts?: number;

  @ApiPropertyOptional({ description: 'whether the fault happens in perform; in apply unless given' })
  @IsOptional()
  @IsBoolean()
  inPerform?: boolean;
}

export class Drill {
  @IdField()
  id!: string;

  /** How many actions were applied to it. */
  @VersionField()
  version!: number;
}
