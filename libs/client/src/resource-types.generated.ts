/*
 * Written by `npm run generate:client` from the OpenAPI document of the api: do not edit.
 * `npm run check` tells when it is out of date.
 */
export type {
  Announcement,
  CreateAnnouncement,
  Message,
  CreateMessage,
  EditMessage,
  Room,
  CreateRoom,
  EditRoom,
  RoomMember,
  AnnouncementsClient,
  MessagesQuery,
  MessagesClient,
  RoomsClient,
  ResourceClients,
} from './resources.generated.ts';
