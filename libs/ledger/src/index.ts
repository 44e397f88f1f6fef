export { resourceTypeOf, toAction, type ActionRow } from './action-row.ts';
export { Deliveries } from './deliveries.ts';
export { grantToRoles } from './grants.ts';
export { LedgerHistory } from './ledger-history.ts';
export { LedgerModule } from './ledger.module.ts';
export { Ledger, type Ending, type NewAction, type RecalledAction } from './ledger.service.ts';
export { Members, type Membership } from './members.ts';
export { ledgerMigrations } from './migrations/index.ts';
export { newId } from './new-id.ts';
export {
  firstUnfinishedStatement,
  countAttemptStatement,
  forgetAttemptStatement,
  postponeStatement,
  recordAttemptStatement,
  retryLaterStatement,
} from './statements/attempt.ts';
export {
  becomeEraserStatement,
  eraseActionsStatements,
  eraseEventsStatement,
  eventRangesStatement,
  unfinishedOfOwnerStatement,
} from './statements/erase.ts';
export {
  inspectActionsStatement,
  inspectActionStatement,
  recordRetryStatement,
  type InspectedRow,
  type InspectionFilter,
} from './statements/inspect.ts';
export { FinishedElsewhereError } from './statements/finish.ts';
export { isAnyDueStatement } from './statements/due.ts';
export { cancellableStatement, overdueStatement, type EndableRow } from './statements/overdue.ts';
export {
  claimOrphansStatement,
  renewLeasesStatement,
  startPerformingStatement,
  stopPerformingStatement,
} from './statements/perform.ts';
export {
  createDayStatement,
  dropOldestDayStatement,
  forgetKeysStatement,
  giveWayStatement,
  missingDaysStatement,
  noteEndedDaysStatement,
  putOffRetentionStatement,
  strayDaysStatement,
  takeRetentionTurnStatement,
  type LedgerDay,
} from './statements/retention.ts';
export { backlogStatement, type Backlog } from './statements/backlog.ts';
export { nextPieceStatement, type BacklogPiece } from './statements/backlog-piece.ts';
export { tryLockStatement, waitForLockStatement } from './statements/lock.ts';
export {
  busyResourcesStatement,
  isAnyUnfinishedStatement,
  oldestUnfinishedStatement,
  unfinishedOfResourcesStatement,
  type ActionKey,
  type UnfinishedRow,
} from './statements/unfinished.ts';
