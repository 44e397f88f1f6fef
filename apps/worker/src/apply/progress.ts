import { Injectable } from '@nestjs/common';
import { ChannelsClient } from '#channels';
import { userChannel, type EphemeralEnvelope, type Progress } from '#contracts';
import { newId, resourceTypeOf, type UnfinishedRow } from '#ledger';

/** How long a report waits for a later one, in milliseconds: who is done by then has none to send. */
const GATHER_MS = 50;

/** Shortest time between two reports of one action, in milliseconds. */
const SHORTEST_MS = 250;

/** Longest note, in characters. */
const LONGEST_NOTE = 200;

/** How far an action is, as long as it is performed. */
export interface ProgressOfAction {
  report: (percent: number, note?: string) => void;
  end: () => void;
}

interface Report extends Omit<Progress, 'actionId'> {
  /** When it goes out, by the clock of `performance`. */
  dueAt: number;
}

/**
 * Tells owners how far their long actions are: of each the latest report, those of all actions
 * together. Ephemeral: who is not there misses it.
 */
@Injectable()
export class ProgressReporter {
  readonly #reports = new Map<UnfinishedRow, Report>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly channels: ChannelsClient) {}

  /** The reporter of one action. */
  of(row: UnfinishedRow): ProgressOfAction {
    let dueAt = -Infinity;
    let hasEnded = false;
    return {
      report: (percent, note = '') => {
        if (hasEnded) return;
        const now = performance.now();
        if (dueAt <= now) dueAt = Math.max(now + GATHER_MS, dueAt + SHORTEST_MS);
        this.#reports.set(row, { percent, note, dueAt });
        this.#timer ??= setInterval(() => this.send(), GATHER_MS).unref();
      },
      end: () => {
        hasEnded = true;
        this.#reports.delete(row);
      },
    };
  }

  private send(): void {
    if (this.#reports.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const now = performance.now();
    for (const [row, report] of this.#reports) {
      if (report.dueAt > now) continue;
      this.#reports.delete(row);
      // A report that is lost is followed by the next.
      this.channels.emit('progress', envelopeOf(row, report)).subscribe({ error: () => undefined });
    }
  }
}

function envelopeOf({ id, owner, type, resource_id }: UnfinishedRow, report: Report): EphemeralEnvelope<Progress> {
  const percent = Math.min(Math.max(report.percent, 0), 100);
  return {
    specversion: '1.0',
    id: newId(),
    source: '/tidings',
    type: 'action.progress',
    subject: `${resourceTypeOf(type)}/${resource_id}`,
    time: new Date().toISOString(),
    channel: userChannel(owner),
    data: { actionId: id, percent, note: report.note.slice(0, LONGEST_NOTE) },
  };
}
