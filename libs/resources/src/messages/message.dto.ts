import { IdField, TextField, TimeField, VersionField } from '../fields.ts';

const TEXT = { min: 1, max: 4000 };

export class CreateMessage {
  @TextField(TEXT)
  text!: string;
}

export class EditMessage {
  @TextField(TEXT)
  text!: string;
}

export class Message {
  @IdField()
  id!: string;

  @TextField(TEXT)
  text!: string;

  @VersionField()
  version!: number;

  @TimeField()
  createdAt!: string;

  @TimeField()
  updatedAt!: string;
}
