import { Injectable, Logger } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import { createPartitionsStatement, dropOldestPartitionStatement, forgetKeysStatement } from '#ledger';

/** How long an idempotency key is known; the contract says 24 h at least. */
const KEY_HOURS = 25;

/** Most keys that are forgotten at once. */
const KEYS_BATCH = 20_000;

/** Keeps the ledger from growing for ever: makes the partitions of coming days, drops those of days gone by. */
@Injectable()
export class RetentionService {
  private readonly logger = new Logger(RetentionService.name);

  constructor(
    private readonly database: Database,
    private readonly config: WorkerConfig,
  ) {}

  async run(): Promise<void> {
    await createPartitionsStatement(this.database);
    while ((await forgetKeysStatement(this.database, KEY_HOURS, KEYS_BATCH)) === KEYS_BATCH);
    const drop = (): Promise<string | null> => dropOldestPartitionStatement(this.database, this.config.RETENTION_DAYS);
    for (let name = await drop(); name !== null; name = await drop()) this.logger.log(`dropped ${name}`);
  }
}
