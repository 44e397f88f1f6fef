import { isOutcomeStatus, type Action, type ActionError, type ActionStatus } from '#contracts';

/** An action as the ledger keeps it. */
export interface ActionRow {
  id: string;
  /** Order among the actions of one resource. */
  seq: number;
  owner: string;
  type: string;
  resource_id: string;
  /** The resource that must be settled first, e.g. the room of a message. */
  parent_id: string | null;
  status: ActionStatus;
  attempts: number;
  payload: unknown;
  if_match: number | null;
  traceparent: string | null;
  submitted_at: string;
  expires_at: string;
  run_at: string | null;
  finished_at: string | null;
  response: unknown;
  error: ActionError | null;
}

/** What of a row makes the public action. */
export type PublicActionRow = Pick<
  ActionRow,
  'id' | 'type' | 'status' | 'attempts' | 'resource_id' | 'submitted_at' | 'finished_at' | 'response' | 'error'
>;

/** An action that has its outcome, as this tells of it: what is JSON is text. */
export interface OutcomeRow extends Omit<PublicActionRow, 'response' | 'error'>, Pick<ActionRow, 'traceparent'> {
  response: string | null;
  error: string | null;
}

/** The columns of {@link PublicActionRow}, for select lists. */
export const PUBLIC_COLUMNS =
  'a.id, a.type, a.status, a.attempts, a.resource_id, a.submitted_at, a.finished_at, a.response, a.error';

/** The type of the resource that an action type is about: `messages` of `messages.create`. */
export function resourceTypeOf(actionType: string): string {
  return actionType.slice(0, actionType.indexOf('.'));
}

/** The action as clients see it; the same whether it comes from a table or was just written. */
export function toAction(row: PublicActionRow): Action {
  const done = isOutcomeStatus(row.status);
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    done,
    resource: { type: resourceTypeOf(row.type), id: row.resource_id },
    submittedAt: row.submitted_at,
    ...(row.finished_at && { finishedAt: row.finished_at }),
    attempts: row.attempts,
    ...(done && (row.error ? { error: row.error } : { response: row.response ?? null })),
  };
}

/** The JSON of {@link toAction}, for an action that has its outcome. */
export function outcomeText(row: OutcomeRow): string {
  const type = JSON.stringify(row.type);
  const resourceType = JSON.stringify(resourceTypeOf(row.type));
  const end = row.error === null ? `"response":${row.response ?? 'null'}` : `"error":${row.error}`;
  return (
    `{"id":"${row.id}","type":${type},"status":"${row.status}","done":true,` +
    `"resource":{"type":${resourceType},"id":"${row.resource_id}"},` +
    `"submittedAt":"${row.submitted_at}","finishedAt":"${row.finished_at}","attempts":${row.attempts},${end}}`
  );
}
