import type { Type } from '@nestjs/common';
import { AnnouncementsResource } from './announcements/announcements.resource.ts';
import { DrillsResource } from './drills/drills.resource.ts';
import { MessagesResource } from './messages/messages.resource.ts';
import type { Resource } from './resource.ts';
import { RoomsResource } from './rooms/rooms.resource.ts';

export {
  PermanentError,
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type PerformContext,
  type RoutedVerb,
  type SubList,
  type Verb,
} from './resource.ts';

/** All resources. A new one is a folder beside the others, and a line here. */
const resources: Type<Resource>[] = [RoomsResource, MessagesResource, AnnouncementsResource];

/** Those that are for trying things out. */
const drills: Type<Resource>[] = [DrillsResource];

const isTrial = process.env['NODE_ENV'] === 'development' || process.env['NODE_ENV'] === 'test';

/** The resources of this process. */
export const RESOURCES: Type<Resource>[] = isTrial ? [...resources, ...drills] : resources;
