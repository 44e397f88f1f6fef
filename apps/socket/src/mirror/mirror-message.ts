import type { EphemeralEnvelope, Mirror } from '#contracts';

/** A mirrored event between instances; clients get the envelope alone. */
export type MirrorMessage = EphemeralEnvelope<Mirror> & {
  /** Id of the socket that sent it, which must not hear it. */
  from: string;
};
