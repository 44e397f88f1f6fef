import type { Session } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import { Activity } from '../activity/activity.svelte.ts';
import type { DeviceKey } from '../activity/hearing.ts';
import { Device } from '../connection/device.svelte.ts';
import { Messages } from '../messages/messages.svelte.ts';
import type { Access } from '../sign-in/access.ts';
import { announcementOf } from './announcement.ts';

/** What a drill shall do. */
interface DrillPayload {
  performMs?: number;
  fault?: 'throw';
}

/** Everything a signed-in user has on the page. */
export class Desk {
  readonly userId: string;
  readonly sockets: readonly string[];
  readonly hasDrills: boolean;
  readonly activity = new Activity();
  readonly messages: Messages;
  readonly first: Device;
  second: Device | undefined = $state.raw();
  /** Said to screen readers. */
  announcement = $state('');
  private readonly access: Access;

  constructor(access: Access) {
    this.access = access;
    this.userId = access.userId;
    this.sockets = access.sockets;
    this.hasDrills = access.hasDrills;
    this.first = this.device('first', 0);
    this.messages = new Messages(this.first.client, this.activity, this.userId);
    this.first.connect();
    // With two instances at hand, the page shows at once that an outcome arrives on both.
    this.useSecondDevice(this.sockets.length > 1);
    void this.messages.load();
  }

  useSecondDevice(isWanted: boolean): void {
    this.second?.close();
    this.second = isWanted ? this.device('second', 1) : undefined;
    this.second?.connect();
  }

  drill(label: string, payload: DrillPayload): Promise<void> {
    const drills = this.first.client.resource<DrillPayload, DrillPayload, { id: string }>('drills');
    return this.activity.submit(new ActivityEntry('drills.create', label, true), () => drills.create(payload));
  }

  close(): void {
    this.first.close();
    this.second?.close();
  }

  private device(key: DeviceKey, index: number): Device {
    const url = this.sockets[index % this.sockets.length]!;
    return new Device(key, this.access, url, {
      heard: (hearing) => {
        const entry = this.activity.heard(hearing);
        this.messages.ended(hearing.outcome.data);
        if (entry.hearings.length === 1) this.announcement = announcementOf(entry, hearing);
      },
      progressed: (progress) => this.activity.progressed(progress),
      connected: (session) => this.connected(session),
    });
  }

  /** What was missed for good is in the list. */
  private connected({ recovered }: Session): void {
    if (!recovered) void this.messages.load();
  }
}
