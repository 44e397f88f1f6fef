import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Length, ValidateIf } from 'class-validator';

export class RevocationRequest {
  @ApiPropertyOptional({ description: '`sub` of the tokens' })
  @ValidateIf((_dto, value) => value !== undefined)
  @IsString()
  @Length(1, 200)
  user?: string;

  @ApiPropertyOptional({ description: '`jti` of the token' })
  @ValidateIf((_dto, value) => value !== undefined)
  @IsString()
  @Length(1, 200)
  jti?: string;
}
