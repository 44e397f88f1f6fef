import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { LONGEST_CURSOR } from '#contracts';

export const LIMIT_DEFAULT = 50;
export const LIMIT_MOST = 500;

/** Query of every list. */
export class PageQuery {
  @ApiPropertyOptional({ description: '`next` of the page before' })
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_CURSOR)
  after?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMIT_MOST, default: LIMIT_DEFAULT })
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(1)
  @Max(LIMIT_MOST)
  limit: number = LIMIT_DEFAULT;
}
