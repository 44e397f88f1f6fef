import type { EntryStatus } from './activity-entry.svelte.ts';

const TYPES: Readonly<Record<string, string>> = {
  'messages.create': 'Create message',
  'messages.edit': 'Edit message',
  'messages.delete': 'Delete message',
  'rooms.create': 'Create room',
  'rooms.edit': 'Rename room',
  'rooms.delete': 'Delete room',
  'rooms.addMember': 'Add member',
  'rooms.removeMember': 'Remove member',
  'drills.create': 'Drill',
};

const STATUSES: Readonly<Record<EntryStatus, string>> = {
  sending: 'Sending',
  refused: 'Refused',
  lost: 'Lost',
  pending: 'Pending',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

export function typeInWords(type: string): string {
  return TYPES[type] ?? type;
}

export function statusInWords(status: EntryStatus): string {
  return STATUSES[status];
}

/** A duration as people read it: `8 ms`, `2.4 s`. */
export function inMs(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
