import type { Type } from '@nestjs/common';
import { MessagesResource } from './messages/messages.resource.ts';
import type { Resource } from './resource.ts';

export {
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type Verb,
} from './resource.ts';

/** All resources. A new one is a folder beside the others, and a line here. */
export const RESOURCES: Type<Resource>[] = [MessagesResource];
