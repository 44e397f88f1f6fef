import type { Migrations } from '#database';
import { ledgerMigration } from './2026-11-23-ledger.ts';
import { deliveriesMigration } from './2026-11-24-deliveries.ts';
import { membersMigration } from './2026-11-24-members.ts';
import { retentionMigration } from './2026-11-24-retention.ts';
import { retriesMigration } from './2026-11-24-retries.ts';
import { revocationsMigration } from './2026-11-24-revocations.ts';
import { finishedElsewhereMigration } from './2026-11-25-finished-elsewhere.ts';
import { retentionOrderMigration } from './2026-11-25-retention-order.ts';
import { retentionRightsMigration } from './2026-11-25-retention-rights.ts';
import { endedDaysMigration } from './2026-11-28-ended-days.ts';
import { ledgerDaysMigration } from './2026-11-28-ledger-days.ts';
import { retentionTurnMigration } from './2026-11-28-retention-turn.ts';
import { daysInTurnMigration } from './2026-11-29-days-in-turn.ts';

export const ledgerMigrations: Migrations = {
  '2026-11-23-ledger': ledgerMigration,
  '2026-11-24-deliveries': deliveriesMigration,
  '2026-11-24-members': membersMigration,
  '2026-11-24-retention': retentionMigration,
  '2026-11-24-retries': retriesMigration,
  '2026-11-24-revocations': revocationsMigration,
  '2026-11-25-finished-elsewhere': finishedElsewhereMigration,
  '2026-11-25-retention-order': retentionOrderMigration,
  '2026-11-25-retention-rights': retentionRightsMigration,
  '2026-11-28-ended-days': endedDaysMigration,
  '2026-11-28-ledger-days': ledgerDaysMigration,
  '2026-11-28-retention-turn': retentionTurnMigration,
  '2026-11-29-days-in-turn': daysInTurnMigration,
};
