import { v7 as uuidv7 } from 'uuid';

const BYTES = 16;

/** Ids for which random bytes are drawn at once: asking for them costs more than the rest of an id. */
const DRAWN = 256;

let random = new Uint8Array(0);
let used = 0;
let msecs = 0;
let seq = 0;

/** A new id, UUID version 7 (RFC 9562, 5.7): later ones of a process are greater. */
export function newId(): string {
  if (used === random.length) {
    random = crypto.getRandomValues(new Uint8Array(BYTES * DRAWN));
    used = 0;
  }
  const own = random.subarray(used, used + BYTES);
  used += BYTES;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // Room for as many more in the same millisecond (RFC 9562, 6.2, method 1).
    seq = (own[0]! << 16) | (own[1]! << 8) | own[2]!;
  } else seq += 1;
  return uuidv7({ random: own, msecs, seq });
}
