import { textOf, type EphemeralEnvelope, type Envelope } from '#contracts';

/**
 * A message on Redis: the event pattern, a space, and the envelope as JSON. It goes to
 * gateways of other versions too, and from them as it is to clients: see the rule at
 * {@link Envelope}. What clients must not see has a pattern of its own.
 *
 * Sharded channels (`SSUBSCRIBE`, `SPUBLISH`) live on the node of their name; the braces
 * make that depend on the channel alone.
 */
export function encodeMessage(pattern: string, envelope: object): string {
  return `${pattern} ${textOf(envelope)}`;
}

export interface Message {
  pattern: string;
  /** Without an offset it is ephemeral: it has no place in the order. */
  envelope: Envelope | EphemeralEnvelope;
}

/** The parts of a message, of whatever version; null when it is none of ours. */
export function decodeMessage(text: string): Message | null {
  const space = text.indexOf(' ');
  if (space < 1) return null;
  try {
    const envelope = JSON.parse(text.slice(space + 1)) as Partial<Envelope> | null;
    if (typeof envelope?.channel !== 'string' || typeof envelope.id !== 'string') return null;
    if (envelope.offset !== undefined && !Number.isSafeInteger(envelope.offset)) return null;
    return { pattern: text.slice(0, space), envelope: envelope as Envelope };
  } catch {
    return null;
  }
}

/** The name of a channel in Redis. */
export function redisChannel(prefix: string, channel: string): string {
  return `${prefix}:{${channel}}`;
}
