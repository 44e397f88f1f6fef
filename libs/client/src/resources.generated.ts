/*
 * Written by `npm run generate:client` from the OpenAPI document of the api: do not edit.
 * `npm run check` tells when it is out of date.
 */
import type { ChangeOptions, Page, PageQuery, ResourceClient, SubmittedAction } from './resource-client.ts';
import type { ResourceRoutes } from './http/resource-routes.ts';

export interface Announcement {
  /** UUID. */
  id: string;
  /** `everyone`, `authenticated`, `user:<id>` or `room:<id>`. */
  audience: string;
  /** 1 to 200 characters. */
  title: string;
  /** 1 to 4000 characters. */
  body: string;
  /** 1 or more. */
  version: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
}

export interface CreateAnnouncement {
  /** `everyone`, `authenticated`, `user:<id>` or `room:<id>`. */
  audience: string;
  /** 1 to 200 characters. */
  title: string;
  /** 1 to 4000 characters. */
  body: string;
}

export interface Message {
  /** UUID. */
  id: string;
  author: string;
  /** UUID. */
  roomId: string | null;
  /** 1 to 4000 characters. */
  text: string;
  /** 1 or more. */
  version: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
  /** RFC 3339, UTC, milliseconds. */
  updatedAt: string;
}

export interface CreateMessage {
  /** 1 to 4000 characters. */
  text: string;
  /** UUID. */
  roomId?: string;
}

export interface EditMessage {
  /** 1 to 4000 characters. */
  text: string;
}

export interface Room {
  /** UUID. */
  id: string;
  /** 1 to 200 characters. */
  name: string;
  /** 1 to 200 characters. */
  creator: string;
  /** 1 or more. */
  version: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
  /** RFC 3339, UTC, milliseconds. */
  updatedAt: string;
}

export interface CreateRoom {
  /** 1 to 200 characters. */
  name: string;
}

export interface EditRoom {
  /** 1 to 200 characters. */
  name: string;
}

export interface RoomMember {
  /** 1 to 200 characters. */
  userId: string;
  /** RFC 3339, UTC, milliseconds. */
  joinedAt: string;
}

/** `/v1/announcements` */
export type AnnouncementsClient = Pick<
  ResourceClient<CreateAnnouncement, never, Announcement>,
  'create' | 'list' | 'get'
>;

/** What a list of messages can be narrowed to. */
export interface MessagesQuery extends PageQuery {
  /** UUID. */
  roomId?: string;
}

/** `/v1/messages` */
export type MessagesClient = ResourceClient<CreateMessage, EditMessage, Message, MessagesQuery>;

/** `/v1/rooms` */
export interface RoomsClient extends ResourceClient<CreateRoom, EditRoom, Room> {
  addMember(id: string, userId: string, options?: ChangeOptions): Promise<SubmittedAction<Room>>;
  removeMember(id: string, userId: string, options?: ChangeOptions): Promise<SubmittedAction<Room>>;
  members(id: string, query?: PageQuery): Promise<Page<RoomMember>>;
}

/** A client for each resource. */
export interface ResourceClients {
  readonly announcements: AnnouncementsClient;
  readonly messages: MessagesClient;
  readonly rooms: RoomsClient;
}

/** The routes that not every resource has. */
export const RESOURCE_ROUTES: ResourceRoutes = {
  announcements: {},
  messages: {},
  rooms: {
    addMember: ['PUT', 'members/{userId}'],
    removeMember: ['DELETE', 'members/{userId}'],
    members: ['GET', 'members'],
  },
};
