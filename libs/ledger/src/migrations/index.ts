import type { Migrations } from '#database';
import { ledgerMigration } from './2026-11-23-ledger.ts';

export const ledgerMigrations: Migrations = {
  '2026-11-23-ledger': ledgerMigration,
};
