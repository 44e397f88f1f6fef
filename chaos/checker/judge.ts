import type { History, LedgerContent } from '../history/history.ts';
import { findAmbiguous } from './ambiguous.ts';
import { findDuplicated } from './duplicated.ts';
import { gather } from './evidence.ts';
import { findForeign } from './foreign.ts';
import { findLost } from './lost.ts';
import { findPhantom } from './phantom.ts';
import { findReordered } from './reordered.ts';
import type { Violation } from './violation.ts';

const JUDGES = [findLost, findDuplicated, findReordered, findForeign, findPhantom, findAmbiguous];

/** Everything that must not be, in what clients saw of a run that has become quiet. */
export function judge(history: History, ledger: LedgerContent): Violation[] {
  const evidence = gather(history, ledger);
  return JUDGES.flatMap((find) => find(evidence));
}
