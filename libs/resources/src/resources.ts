/** The index of all resources: a new one is a folder beside the others, and a line here. */
export { AnnouncementsResource } from './announcements/announcements.resource.ts';
export { MessagesResource } from './messages/messages.resource.ts';
export { RoomsResource } from './rooms/rooms.resource.ts';
