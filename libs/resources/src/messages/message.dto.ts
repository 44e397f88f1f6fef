import { ApiProperty } from '@nestjs/swagger';
import { IdField, OptionalUuidField, TextField, TimeField, VersionField } from '../fields.ts';

const TEXT = { min: 1, max: 4000 };

export class CreateMessage {
  @TextField(TEXT)
  text!: string;

  /** The room it is written in, by a member; without one it is the author's own. */
  @OptionalUuidField()
  roomId?: string;
}

export class MessageFilter {
  /** Those of a room, for its members; without one the own ones. */
  @OptionalUuidField()
  roomId?: string;
}

export class EditMessage {
  @TextField(TEXT)
  text!: string;
}

export class Message {
  @IdField()
  id!: string;

  /** `sub` of who wrote it. */
  @ApiProperty({ type: String })
  author!: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  roomId!: string | null;

  @TextField(TEXT)
  text!: string;

  @VersionField()
  version!: number;

  @TimeField()
  createdAt!: string;

  @TimeField()
  updatedAt!: string;
}

/** Data of `message.deleted`. */
export class MessageDeleted {
  @IdField()
  id!: string;

  @IdField()
  roomId!: string;
}
