import { eventually, type LedgerCheck } from '#testing';

/** Waits until so many more actions have their outcome, whichever these are, or all have it. */
export async function finishMore(ledger: LedgerCheck, count: number): Promise<void> {
  const before = await finished(ledger);
  await eventually(async () => {
    const more = (await finished(ledger)) - before;
    if (more < count && (await ledger.unfinished()) > 0)
      throw new Error(`${more} of ${count} more actions are finished`);
  });
}

async function finished(ledger: LedgerCheck): Promise<number> {
  const [row] = await ledger.query<{ count: number }>(
    'select count(*)::integer as count from actions where finished_at is not null',
  );
  return row!.count;
}
