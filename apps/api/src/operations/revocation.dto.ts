import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';

export class RevocationRequest {
  @ApiPropertyOptional({ description: '`sub` of the tokens' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  user?: string;

  @ApiPropertyOptional({ description: '`jti` of the token' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  jti?: string;
}
