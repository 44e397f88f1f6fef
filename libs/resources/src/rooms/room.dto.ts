import { IdField, TextField, TimeField, VersionField } from '../fields.ts';

const NAME = { min: 1, max: 200 };

/** As long as the `sub` of a token may be. */
const USER = { min: 1, max: 200 };

export class CreateRoom {
  @TextField(NAME)
  name!: string;
}

export class EditRoom {
  @TextField(NAME)
  name!: string;
}

export class RoomMemberParams {
  @TextField(USER)
  userId!: string;
}

export class Room {
  @IdField()
  id!: string;

  @TextField(NAME)
  name!: string;

  /** Who created it, and manages its members. */
  @TextField(USER)
  creator!: string;

  @VersionField()
  version!: number;

  @TimeField()
  createdAt!: string;

  @TimeField()
  updatedAt!: string;
}

export class RoomMember {
  @TextField(USER)
  userId!: string;

  @TimeField()
  joinedAt!: string;
}

/** Data of `room.deleted`. */
export class RoomDeleted {
  @IdField()
  id!: string;
}

/** Data of `room.memberAdded` and `room.memberRemoved`. */
export class RoomMemberChange {
  @IdField()
  roomId!: string;

  @TextField(USER)
  userId!: string;
}
