export {
  Database,
  isOfStatement,
  type DatabaseOptions,
  type ServedRow,
  type Sql,
  type Transaction,
} from './database.ts';
export { isConflict, isRefused, isTimedOut, isTransient, isUnavailable } from './database-error.ts';
export { DatabaseModule } from './database.module.ts';
export { assertMigrated, migrate, type Contract, type Migration, type Migrations } from './migrations.ts';
export { SERVER_SETTINGS } from './pool.ts';
