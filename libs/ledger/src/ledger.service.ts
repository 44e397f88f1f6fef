import { Injectable } from '@nestjs/common';
import {
  checkOf,
  encodeCursor,
  userChannel,
  type AcceptedAction,
  type Action,
  type ChannelEvent,
  type Cursor,
  type Envelope,
  type Eviction,
  type OutcomeStatus,
} from '#contracts';
import { Database, type Transaction } from '#database';
import { resourceTypeOf, toAction, type ActionRow, type OutcomeRow, type PublicActionRow } from './action-row.ts';
import { outcomeEvent, toEnvelope } from './event-row.ts';
import { LedgerHistory } from './ledger-history.ts';
import { newId } from './new-id.ts';
import { acceptStatement, type AcceptedRow, type NewAction } from './statements/accept.ts';
import { changeMembersStatement, type MembershipChange } from './statements/members.ts';
import { finishStatement, type FinishedAction, type NewEvent } from './statements/finish.ts';
import { rereadStatement } from './statements/reread.ts';
import { recallStatement, type RecalledRow } from './statements/recall.ts';
import {
  findActionStatement,
  finishedActionsStatement,
  listActionsStatement,
  ownersOfFinishedStatement,
  type ActionFilter,
} from './statements/read-actions.ts';

export type { NewAction } from './statements/accept.ts';

/** What an idempotency key was first used for. */
export interface RecalledAction {
  fingerprint: string;
  /** The action as it was accepted. */
  action: Action;
  /** The position given with it. */
  position: Cursor;
}

/** One action and how it ended. */
export interface Ending {
  row: Pick<ActionRow, 'id' | 'owner' | 'type' | 'resource_id' | 'submitted_at' | 'traceparent'>;
  status: OutcomeStatus;
  /** All attempts, the last one included. */
  attempts: number;
  /** JSON text of the response; null for a delete, and when there is an error. */
  response: string | null;
  error: FinishedAction['error'];
  /** Events on other channels. */
  events?: readonly ChannelEvent[];
}

/**
 * The ledger: the only authority on actions and their outcomes.
 *
 *     (accept) ─▶ pending ─▶ running ─▶ succeeded | failed
 *                    └──────────┴─────▶ cancelled | expired
 *
 * Every end is reached through {@link finish}, once: an action that has an end keeps it.
 * `pending` may be succeeded or failed at once; `running` is only written for actions
 * that have work to do outside a transaction.
 */
@Injectable()
export class Ledger {
  constructor(
    private readonly database: Database,
    private readonly history: LedgerHistory,
  ) {}

  /**
   * Records actions, in the order given. When it returns, they are committed, and durable.
   *
   * @param onVisible called with the ids of those that are new, when they may be applied: that is
   *   before they are durable, but what is made of them is so only together with them
   * @returns the public action of each, with a position in its owner's channel before its outcome
   */
  async accept(
    actions: readonly NewAction[],
    onVisible: (ids: ReadonlySet<string>) => void = () => undefined,
  ): Promise<Map<string, AcceptedAction>> {
    const rows = await acceptStatement(this.database, actions, (visible) => {
      onVisible(new Set(visible.map(({ id }) => id)));
    });
    return acceptedActions(actions, rows);
  }

  /**
   * Those of the actions that were committed although the answer of {@link accept} was lost,
   * as it would have returned them.
   */
  async acceptedBefore(actions: readonly NewAction[]): Promise<Map<string, AcceptedAction>> {
    const keys = actions.map(({ id, owner }) => ({ id, channel: userChannel(owner) }));
    return acceptedActions(actions, await rereadStatement(this.database, keys));
  }

  /** What each key stands for, in the order given; nothing for a key that is not known. */
  async recall(keys: readonly { owner: string; key: string }[]): Promise<(RecalledAction | undefined)[]> {
    const rows = await recallStatement(this.database, keys);
    return keys.map(({ owner, key }) => {
      const row = rows.find((candidate) => candidate.owner === owner && candidate.key === key);
      return row && recalledAction(row);
    });
  }

  /**
   * Ends actions and appends their events, as the last statement of the transaction: mostly it
   * commits, too.
   *
   * @param options.commits false when the caller has something to do before the commit
   * @returns the envelopes to publish once the transaction is committed, in order per channel
   * @throws {FinishedElsewhereError} when one of them has an end already; nothing is committed then
   */
  async finish(sql: Transaction, endings: readonly Ending[], { commits = true } = {}): Promise<Envelope[]> {
    const events = endings.flatMap((ending) => [...eventsOf(ending), outcomeOf(ending)]);
    const isLast = commits && events.every((appending) => membershipChangesOf(appending, 0).length === 0);
    const { at, offsets } = await finishStatement(
      (text, values) => (isLast ? sql.commitWith(text, values) : sql.query(text, values)),
      endings.map(({ row, ...end }) => ({ id: row.id, ...end })),
      events.map(({ event }) => event),
    );
    const changes = events.flatMap((appending, index) => membershipChangesOf(appending, offsets[index]!));
    // Few transactions change members; those hold their channels for one statement more.
    if (changes.length > 0) await changeMembersStatement(sql, changes);
    return events.map(({ event, ending }, index) => {
      const position = { id: event.id, channel: event.channel, offset: offsets[index]!, created_at: at };
      const { type, subject, data } = event;
      if (data !== null) return toEnvelope({ ...position, type, subject, data });
      return toEnvelope(outcomeEvent(position, finishedRow(ending, at)));
    });
  }

  /**
   * Appends events that no action causes, in the order given, in a transaction of their own.
   *
   * @param events at least one
   * @returns the envelopes to publish
   */
  async append(events: readonly ChannelEvent[]): Promise<Envelope[]> {
    const rows = events.map(({ data = null, ...event }) => ({
      ...event,
      id: newId(),
      actionId: null,
      data: jsonOf(data),
    }));
    const { at, offsets } = await finishStatement((text, values) => this.database.query(text, values), [], rows);
    return rows.map((row, index) => toEnvelope({ ...row, offset: offsets[index]!, created_at: at }));
  }

  /** The newest event on the channel of each owner of these actions. */
  async newestEventsOfOwners(actionIds: readonly string[]): Promise<Envelope[]> {
    const channels = (await ownersOfFinishedStatement(this.database, actionIds)).map(userChannel);
    if (channels.length === 0) return [];
    const heads = await this.history.heads(channels);
    const pages = await this.history.read(
      heads.map(({ channel, offset }) => ({ channel, after: offset - 1, limit: 1 })),
    );
    return pages.flatMap(({ events }) => events);
  }

  /** The action, or nothing: a foreign id and a missing one look the same. */
  async find(owner: string, id: string): Promise<Action | undefined> {
    const row = await findActionStatement(this.database, owner, id);
    return row && toAction(row);
  }

  /** Those of the actions that have their outcome. */
  async findFinished(ids: readonly string[]): Promise<Action[]> {
    return (await finishedActionsStatement(this.database, ids)).map(toAction);
  }

  /** An owner's actions, the newest first. */
  async list(owner: string, filter: ActionFilter): Promise<Action[]> {
    return (await listActionsStatement(this.database, owner, filter)).map(toAction);
  }
}

function acceptedActions(actions: readonly NewAction[], rows: readonly AcceptedRow[]): Map<string, AcceptedAction> {
  const byId = new Map(actions.map((action) => [action.id, action]));
  return new Map(
    rows.map(({ id, submitted_at, head, check }) => {
      const action = byId.get(id)!;
      const cursor = encodeCursor({ channel: userChannel(action.owner), offset: head, check });
      return [id, { ...toAction(pendingRow(action, submitted_at)), cursor }];
    }),
  );
}

interface Appending {
  event: NewEvent;
  ending: Ending;
  admits?: string | undefined;
  evicts?: Eviction | undefined;
}

/** JSON, also of what JSON has no word for: an event that has no data in its table is an outcome, which shows its action. */
function jsonOf(data: unknown): string {
  return JSON.stringify(data) ?? 'null';
}

function eventsOf(ending: Ending): Appending[] {
  return (ending.events ?? []).map(({ data = null, admits, evicts, ...event }) => ({
    event: { ...event, id: newId(), actionId: ending.row.id, data: jsonOf(data) },
    ending,
    admits,
    evicts,
  }));
}

function membershipChangesOf(
  { event: { id, channel }, admits, evicts }: Appending,
  offset: number,
): MembershipChange[] {
  const changes: MembershipChange[] = [];
  if (evicts) changes.push({ channel, userId: evicts === 'all' ? null : evicts.userId, since: null });
  if (admits !== undefined) changes.push({ channel, userId: admits, since: { offset, check: checkOf(id) } });
  return changes;
}

function outcomeOf(ending: Ending): Appending {
  const { row, status } = ending;
  const event = {
    id: newId(),
    channel: userChannel(row.owner),
    type: `action.${status}`,
    subject: `${resourceTypeOf(row.type)}/${row.resource_id}`,
    actionId: row.id,
    data: null,
  };
  return { event, ending };
}

function recalledAction(row: RecalledRow): RecalledAction {
  const { fingerprint, action_id: id, type, resource_id: resourceId, submitted_at, owner } = row;
  return {
    fingerprint,
    action: toAction(pendingRow({ id, type, resourceId }, submitted_at)),
    position: { channel: userChannel(owner), offset: row.head, check: row.check },
  };
}

function pendingRow(action: Pick<NewAction, 'id' | 'type' | 'resourceId'>, submittedAt: string): PublicActionRow {
  return {
    id: action.id,
    type: action.type,
    status: 'pending',
    attempts: 0,
    resource_id: action.resourceId,
    submitted_at: submittedAt,
    finished_at: null,
    response: null,
    error: null,
  };
}

function finishedRow({ row, status, attempts, response, error }: Ending, at: string): OutcomeRow {
  return { ...row, status, attempts, finished_at: at, response, error: error && JSON.stringify(error) };
}
