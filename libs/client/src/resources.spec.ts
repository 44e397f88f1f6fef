import { expectTypeOf, it } from 'vitest';
import type * as server from '../../resources/src/messages/message.dto.ts';
import type { CreateMessage, EditMessage, Message } from './resources.ts';

it('has the types of the server', () => {
  expectTypeOf<CreateMessage>().toEqualTypeOf<Pick<server.CreateMessage, keyof server.CreateMessage>>();
  expectTypeOf<EditMessage>().toEqualTypeOf<Pick<server.EditMessage, keyof server.EditMessage>>();
  expectTypeOf<Message>().toEqualTypeOf<Pick<server.Message, keyof server.Message>>();
});
