import { IsBoolean, IsIn } from 'class-validator';
import { hasNoPassword, InProduction } from './in-production.ts';
import { IsPostgresUrl } from './postgres-url.ts';

/** What every process reads; the migration nothing else. */
export class DatabaseConfig {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'production';

  @IsPostgresUrl()
  @InProduction({
    refuse: hasNoPassword,
    unless: 'ALLOW_UNPROTECTED_POSTGRES',
    message: 'has no password, or one that everybody knows: give this app a role and a password of its own',
  })
  DATABASE_URL!: string;

  /** Lets production use a Postgres without a password, or with a known one. */
  @IsBoolean()
  ALLOW_UNPROTECTED_POSTGRES = false;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}
