export type {
  AcceptedAction,
  Action,
  ActionError,
  ActionStatus,
  CursorReason,
  Envelope,
  EphemeralEnvelope,
  Goaway,
  OutcomeEnvelope,
  PresenceChange,
  ProblemCode,
  ProblemItem,
  Progress,
  Session,
  Subscribed,
} from '#contracts';
export type * from './client.ts';
export { createClient } from './create-client.ts';
export type * from './resource-client.ts';
export type * from './resource-types.generated.ts';
export type { ClientStorage } from './storage/client-storage.ts';
export { fileStorage } from './storage/file-storage.ts';
export { sessionStorageOf } from './storage/session-storage.ts';
export type * from './subscription.ts';
export { TidingsError, type ClientProblemCode } from './tidings-error.ts';
