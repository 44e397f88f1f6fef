import { Injectable } from '@nestjs/common';
import { ChannelsClient } from '#channels';
import { userChannel, type EphemeralEnvelope, type Progress } from '#contracts';
import { newId, resourceTypeOf, type UnfinishedRow } from '#ledger';

/** Shortest time between two reports of one action, in milliseconds. */
const SHORTEST_MS = 250;

/** Longest note, in characters. */
const LONGEST_NOTE = 200;

/** Tells owners how far their long actions are. Ephemeral: who is not there misses it. */
@Injectable()
export class ProgressReporter {
  constructor(private readonly channels: ChannelsClient) {}

  /** The reporter of one action. */
  of({ id, owner, type, resource_id }: UnfinishedRow): (percent: number, note?: string) => void {
    let last = -Infinity;
    return (percent, note = '') => {
      const now = performance.now();
      if (now - last < SHORTEST_MS) return;
      last = now;
      const progress: EphemeralEnvelope<Progress> = {
        specversion: '1.0',
        id: newId(),
        source: '/tidings',
        type: 'action.progress',
        subject: `${resourceTypeOf(type)}/${resource_id}`,
        time: new Date().toISOString(),
        channel: userChannel(owner),
        data: { actionId: id, percent: Math.min(Math.max(percent, 0), 100), note: note.slice(0, LONGEST_NOTE) },
      };
      // A report that is lost is followed by the next.
      this.channels.emit('progress', progress).subscribe({ error: () => undefined });
    };
  }
}
