import type { Action, Session } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import { Activity } from '../activity/activity.svelte.ts';
import type { DeviceKey } from '../activity/hearing.ts';
import { Device } from '../connection/device.svelte.ts';
import { Messages } from '../messages/messages.svelte.ts';
import { Api } from '../api/api.ts';
import { Navigation } from '../navigation/place.svelte.ts';
import { Rooms } from '../rooms/rooms.svelte.ts';
import { LatencyProbe } from '../system/latency-probe.svelte.ts';
import { SystemWatch } from '../system/system-watch.svelte.ts';
import type { Access } from '../sign-in/access.ts';
import { announcementOf } from './announcement.ts';

/** Few enough to have the connections in view below them on a narrow screen. */
const PAGE = 8;

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
  readonly activity = new Activity((action) => this.ended(action));
  readonly messages: Messages;
  readonly api: Api;
  readonly rooms: Rooms;
  readonly system: SystemWatch;
  readonly navigation = new Navigation();
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
    const { client } = this.first;
    const { activity, userId } = this;
    this.messages = new Messages({ client, activity, author: userId, pageSize: PAGE });
    this.api = new Api(access.token);
    activity.goOn(client);
    this.rooms = new Rooms({ client, activity, userId });
    this.system = new SystemWatch(this.api, new LatencyProbe(client));
    this.first.connect();
    // With two instances at hand, the page shows at once that an outcome arrives on both.
    this.useSecondDevice(this.sockets.length > 1);
    void this.messages.load();
    void this.rooms.load();
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
    this.system.close();
    this.first.close();
    this.second?.close();
  }

  private device(key: DeviceKey, index: number): Device {
    const url = this.sockets[index % this.sockets.length]!;
    return new Device(key, this.access, url, {
      heard: (hearing) => {
        // Probes would drown what the user does.
        if (this.system.probe.isOf(hearing.outcome.data)) return this.system.probe.heard(hearing);
        const entry = this.activity.heard(hearing);
        this.ended(hearing.outcome.data);
        if (entry.hearings.length === 1) this.announcement = announcementOf(entry, hearing);
      },
      event: (event) => this.rooms.heard(event),
      progressed: (progress) => this.activity.progressed(progress),
      connected: (session) => this.connected(key, session),
    });
  }

  private ended(action: Action): void {
    this.messages.ended(action);
    this.rooms.ended(action);
  }

  /** What was missed for good is in the list. */
  private connected(key: DeviceKey, { recovered }: Session): void {
    if (key === 'first') this.rooms.connected();
    if (recovered) return;
    void this.messages.load();
    void this.rooms.load();
  }
}
