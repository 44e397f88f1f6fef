import { OmitType } from '@nestjs/swagger';
import { IdField, TextField, TimeField, VersionField } from '../fields.ts';
import { AudienceField } from './audience.field.ts';

const TITLE = { min: 1, max: 200 };
const BODY = { min: 1, max: 4000 };

export class CreateAnnouncement {
  @AudienceField()
  audience!: string;

  @TextField(TITLE)
  title!: string;

  @TextField(BODY)
  body!: string;
}

export class Announcement {
  @IdField()
  id!: string;

  @AudienceField()
  audience!: string;

  @TextField(TITLE)
  title!: string;

  @TextField(BODY)
  body!: string;

  /** Always 1: what was announced stays as it is. */
  @VersionField()
  version!: number;

  @TimeField()
  createdAt!: string;
}

/** Data of the event `announcement`. */
export class AnnouncementMade extends OmitType(Announcement, ['version']) {}
