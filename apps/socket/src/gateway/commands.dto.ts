import { IsOptional, IsString, MaxLength } from 'class-validator';

export class RefreshCommand {
  @IsString()
  @MaxLength(16_384)
  token!: string;
}

export class PresenceCommand {
  @IsString()
  @MaxLength(1_024)
  channel!: string;
}

export class DeliveredCommand {
  @IsString()
  @MaxLength(2_048)
  cursor!: string;
}

export class SubscribeCommand {
  @IsString()
  @MaxLength(1_024)
  channel!: string;

  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  cursor?: string;
}

export class UnsubscribeCommand {
  @IsString()
  @MaxLength(1_024)
  channel!: string;
}
