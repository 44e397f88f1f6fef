import type { Migrations } from '#database';
import { ledgerMigration } from './2026-11-23-ledger.ts';
import { retentionMigration } from './2026-11-24-retention.ts';

export const ledgerMigrations: Migrations = {
  '2026-11-23-ledger': ledgerMigration,
  '2026-11-24-retention': retentionMigration,
};
