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
  /** What `perform` resolved to; undefined when there is none. */
  performed?: unknown;
}

/** What a long-running part of a handler has at hand. */
export interface PerformContext {
  /**
   * Aborted when the action is cancelled, expires, or runs out of time, or when the one before it on its
   * resource is tried again: stop then.
   */
  signal: AbortSignal;
  /** Which attempt this is, from 1. */
  attempt: number;
  /** Tells the owner how far it is: 0 to 100, and what is going on. Ephemeral; at most a few reach them a second. */
  progress: (percent: number, note?: string) => void;
}

/** What became of it: the resource as it is now (null when it is deleted), or why not. */
export type Applied = { response: object | null; events?: ChannelEvent[] } | { error: ActionError };

/** One kind of change to a resource. */
export interface Verb<Payload extends object = object> {
  /** The DTO of the body; its class-validator rules are the authority. None: there is no body. */
  payload?: Type<Payload>;
  /** The scope that the token of who submits it must have. None: whoever has a token may. */
  scope?: string;
  /**
   * Work that does not belong into a transaction: mail, HTTP, rendering. It runs before
   * `apply`, at least once (again after a crash; use the id of the action to recognise
   * that), and holds no lock and no connection. What it throws counts as a failed attempt.
   * On one resource, actions perform one after another; the one before may not be applied yet.
   */
  perform?(action: ActionToApply<Payload>, context: PerformContext): Promise<unknown>;
  /** Longest time for one `perform`, in milliseconds; 30 000 unless given. */
  performTimeoutMs?: number;
  /**
   * Applies actions, each of another resource, with as few statements as possible, and
   * answers in their order. It runs in the transaction that finishes the actions, so it
   * happens exactly once; what it throws rolls all of it back, and the actions run once more
   * in savepoints, so that only who fails is tried again.
   */
  apply(sql: Sql, actions: ActionToApply<Payload>[]): Promise<Applied[]>;
  /**
   * The resource on which the action depends, such as the room of a message: what the same
   * owner has asked for there before is settled first, and it does not change meanwhile.
   */
  parentOf?(payload: Payload): string | undefined;
}

/** A further kind of change, with a route of its own below the resource. */
export interface RoutedVerb<Payload extends object = object> extends Verb<Payload> {
  method: 'PUT' | 'DELETE';
  /** Below `/v1/<resource>/:id/`, e.g. `members/:userId`; its parameters are the payload. */
  path: string;
}

/** A list below a resource, such as the members of a room. */
export interface SubList<View extends object = object> {
  /** Below `/v1/<resource>/:id/`, e.g. `members`. */
  path: string;
  view: Type<View>;
  /** Nothing when the resource is missing or foreign. */
  list(sql: Sql, reader: string, id: string, page: PageRequest): Promise<Page<View> | undefined>;
}

export interface Page<View> {
  data: View[];
  /** Give it as `after` to get the next page; null on the last. */
  next: string | null;
}

export interface PageRequest<Filter extends object = object> {
  after: string | undefined;
  limit: number;
  filter: Filter;
}

/**
 * A resource: its DTOs, its table, how it is created, edited and deleted, and who may.
 * Routes, OpenAPI, tickets, outcomes and SDK types follow from it.
 */
export abstract class Resource<View extends object = object> {
  /** Whether it is for trying things out: not there in production. */
  static readonly isForTrials: boolean = false;

  /** Plural name, as in the path and in action types: `messages`. */
  abstract readonly type: string;
  /** The DTO that reads and outcomes show. */
  abstract readonly view: Type<View>;
  abstract readonly migrations: Migrations;
  abstract readonly create: Verb;
  /** None: it is never edited, and there is no such route. */
  readonly edit?: Verb;
  /** None: it is never deleted, and there is no such route. */
  readonly delete?: Verb;
  /** Further kinds of change, by name: `addMember` is the action type `rooms.addMember`. */
  readonly verbs: Readonly<Record<string, RoutedVerb>> = {};
  /** Lists below a resource. */
  readonly lists: readonly SubList[] = [];
  /** The types of the events that its changes cause, each with the DTO of its `data`: AsyncAPI lists them. */
  readonly events: Readonly<Record<string, Type<object>>> = {};
  /** The DTO of the query parameters that its list takes, beside the page. */
  readonly filter?: Type<object>;

  /** What a reader may see, the newest first. */
  abstract list(sql: Sql, reader: string, page: PageRequest): Promise<Page<View>>;
  /**
   * Deletes what a user wrote, when all of their actions have ended; in the transaction that
   * blanks their actions and events. None: there is nothing personal in it.
   */
  erase?(sql: Sql, user: string): Promise<void>;
  /**
   * Deletes a piece of what may go and was too much for one action, in a transaction of its own that
   * takes a fraction of a second. Called by workers now and then, again and again while it says so.
   *
   * @returns whether there was something to delete
   */
  tidy?(sql: Sql): Promise<boolean>;
  /** One of them; nothing when it is missing or foreign. */
  abstract get(sql: Sql, reader: string, id: string): Promise<(View & { version: number }) | undefined>;
}

/**
 * Thrown by a handler: no further attempt can help, the action fails at once, as it does by an
 * error of SQL about data, constraints or syntax (SQLSTATE 22, 23, 42). Everything else that is
 * thrown is tried again, after a pause that doubles, until the attempts are used up.
 */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/** Ends an action as `failed` for a reason the client can understand. */
export function reject(code: ProblemCode, more: { detail?: string; current?: object } = {}): { error: ActionError } {
  const { title } = PROBLEMS[code];
  return { error: { code, title, detail: title, ...more } };
}
