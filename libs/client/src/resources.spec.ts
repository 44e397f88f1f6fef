import { expectTypeOf, it } from 'vitest';
import type * as messages from '../../resources/src/messages/message.dto.ts';
import type * as rooms from '../../resources/src/rooms/room.dto.ts';
import type { TidingsClient } from './client.ts';
import type { CreateMessage, EditMessage, Message, Room, RoomMember } from './resources.generated.ts';

/** What a DTO says, without being of its class. */
type Fields<Dto> = Pick<Dto, keyof Dto>;

it('has the types of the server', () => {
  expectTypeOf<CreateMessage>().toEqualTypeOf<Fields<messages.CreateMessage>>();
  expectTypeOf<EditMessage>().toEqualTypeOf<Fields<messages.EditMessage>>();
  expectTypeOf<Message>().toEqualTypeOf<Fields<messages.Message>>();
  expectTypeOf<Room>().toEqualTypeOf<Fields<rooms.Room>>();
  expectTypeOf<RoomMember>().toEqualTypeOf<Fields<rooms.RoomMember>>();
});

it('has a client of each resource, with what that one can do', () => {
  type Client = Pick<TidingsClient, 'messages' | 'rooms' | 'announcements'>;
  expectTypeOf<NonNullable<Parameters<Client['messages']['list']>[0]>['roomId']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Parameters<Client['rooms']['addMember']>[1]>().toEqualTypeOf<string>();
  expectTypeOf<keyof Client['announcements']>().toEqualTypeOf<'create' | 'list' | 'get'>();
});
