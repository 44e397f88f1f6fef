import { Allow, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { LONGEST_CURSOR } from '#contracts';

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
  @MaxLength(LONGEST_CURSOR)
  cursor!: string;
}

export class SubscribeCommand {
  @IsString()
  @MaxLength(1_024)
  channel!: string;

  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_CURSOR)
  cursor?: string;
}

export class UnsubscribeCommand {
  @IsString()
  @MaxLength(1_024)
  channel!: string;
}

export class MirrorCommand {
  /** Of the client's own choice. */
  @IsString()
  @Length(1, 100)
  event!: string;

  /** Any JSON; how much of it is looked at when it is sent. */
  @Allow()
  data?: unknown;
}
