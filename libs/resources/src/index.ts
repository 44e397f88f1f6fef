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

/* All resources: a new one is a folder beside the others, and a line here. */
export { AnnouncementsResource } from './announcements/announcements.resource.ts';
export { DrillsResource } from './drills/drills.resource.ts';
export { MessagesResource } from './messages/messages.resource.ts';
export { RoomsResource } from './rooms/rooms.resource.ts';
