import { IsString, MaxLength } from 'class-validator';

export class RefreshCommand {
  @IsString()
  @MaxLength(16_384)
  token!: string;
}

export class DeliveredCommand {
  @IsString()
  @MaxLength(2_048)
  cursor!: string;
}
