import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { Allow, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { isRoomChannel, LONGEST_CURSOR } from '#contracts';

/** The name of a channel; the id of a room in either case, as everywhere. */
function ChannelField(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && isRoomChannel(value) ? value.toLowerCase() : value,
    ),
    IsString(),
    MaxLength(1_024),
  );
}

export class RefreshCommand {
  @IsString()
  @MaxLength(16_384)
  token!: string;
}

export class PresenceCommand {
  @ChannelField()
  channel!: string;
}

export class DeliveredCommand {
  @IsString()
  @MaxLength(LONGEST_CURSOR)
  cursor!: string;
}

export class SubscribeCommand {
  @ChannelField()
  channel!: string;

  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_CURSOR)
  cursor?: string;
}

export class UnsubscribeCommand {
  @ChannelField()
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
