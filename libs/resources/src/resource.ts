import type { Type } from '@nestjs/common';
import { PROBLEMS, type ActionError, type ChannelEvent, type ProblemCode } from '#contracts';
import type { Migrations, Sql } from '#database';

/** An action that is being applied. */
export interface ActionToApply<Payload = unknown> {
  /** The id of the action. */
  id: string;
  /** Who submitted it. */
  owner: string;
  resourceId: string;
  payload: Payload;
  /** The version the resource must have, if the client asked for one. */
  ifMatch: number | null;
}

/** What became of it: the resource as it is now (null when it is deleted), or why not. */
export type Applied = { response: object | null; events?: ChannelEvent[] } | { error: ActionError };

/** One kind of change to a resource. */
export interface Verb<Payload extends object = object> {
  /** The DTO of the body; its class-validator rules are the authority. None: there is no body. */
  payload?: Type<Payload>;
  /**
   * Applies actions, each of another resource, with as few statements as possible, and
   * answers in their order. It runs in the transaction that finishes the actions, so it
   * happens exactly once; what it throws rolls all of it back, and each action is tried
   * again alone.
   */
  apply(sql: Sql, actions: ActionToApply<Payload>[]): Promise<Applied[]>;
}

export interface Page<View> {
  data: View[];
  /** Give it as `after` to get the next page; null on the last. */
  next: string | null;
}

export interface PageRequest {
  after: string | undefined;
  limit: number;
}

/**
 * A resource: its DTOs, its table, how it is created, edited and deleted, and who may.
 * Routes, OpenAPI, tickets, outcomes and SDK types follow from it.
 */
export abstract class Resource<View extends object = object> {
  /** Plural name, as in the path and in action types: `messages`. */
  abstract readonly type: string;
  /** The DTO that reads and outcomes show. */
  abstract readonly view: Type<View>;
  abstract readonly migrations: Migrations;
  abstract readonly create: Verb;
  abstract readonly edit: Verb;
  abstract readonly delete: Verb;

  /** What a reader may see, the newest first. */
  abstract list(sql: Sql, reader: string, page: PageRequest): Promise<Page<View>>;
  /** One of them; nothing when it is missing or foreign. */
  abstract get(sql: Sql, reader: string, id: string): Promise<(View & { version: number }) | undefined>;
}

/** Ends an action as `failed` for a reason the client can understand. */
export function reject(code: ProblemCode, more: { detail?: string; current?: object } = {}): { error: ActionError } {
  const { title } = PROBLEMS[code];
  return { error: { code, title, detail: title, ...more } };
}
