import { IsOptional, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';

export class CreateMessage {
  @IsOptional()
  @IsUUID()
  id?: string;

  @IsString()
  @MinLength(1)
  @MaxLength(4_000)
  text!: string;

  @IsOptional()
  @IsUUID()
  roomId?: string;
}

export class Announce {
  @IsString()
  @MaxLength(200)
  audience!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  title!: string;

  @IsString()
  @MaxLength(4_000)
  body!: string;
}
