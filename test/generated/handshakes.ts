import fc from 'fast-check';
import { PROBLEMS, type Problem } from '#contracts';
import { eventually, RawSocket } from '#testing';
import { oddDocument, oddJson, type JsonText } from './json-text.ts';

/** How long an answer may take until it counts as none, in milliseconds. */
const SILENCE_MS = 10_000;

/** What clients may say of themselves when they connect. */
export function oddHandshake(token: string): fc.Arbitrary<JsonText> {
  const fields = fc.record({
    token: fc.oneof(fc.constantFrom(JSON.stringify(token), 'null'), oddJson),
    cursor: oddJson,
    cursors: fc.oneof(
      oddJson,
      fc.array(oddJson, { maxLength: 3 }).map((texts) => `[${texts.join()}]`),
    ),
  });
  const object = fields.map((texts) => {
    const entries = Object.entries(texts).map(([name, text]) => `"${name}":${text}`);
    return `{${entries.join()}}`;
  });
  return fc.oneof({ weight: 4, arbitrary: object }, { weight: 1, arbitrary: oddDocument });
}

/**
 * Connects, and judges the answer.
 *
 * @returns `session`, the code of the problem, or `closed`
 * @throws {Error} at silence, or an answer that is none of these
 */
export async function shakeHands(url: string, auth: JsonText): Promise<string> {
  const socket = await RawSocket.connect(url, auth);
  try {
    return await eventually(
      () => {
        const refused = socket.packets.find((packet) => packet.startsWith('44'));
        if (refused !== undefined) return judge(refused);
        if (socket.packets.some((packet) => packet.startsWith('42["session",'))) return 'session';
        if (socket.closed !== undefined) return 'closed';
        throw new Error(`nothing was answered, but ${socket.packets.join(' ')}`);
      },
      { timeoutMs: SILENCE_MS, everyMs: 1 },
    );
  } finally {
    socket.close();
  }
}

function judge(refused: string): string {
  const { message, data } = JSON.parse(refused.slice(refused.indexOf('{'))) as { message: string; data?: Problem };
  if (message === 'Invalid namespace') return message;
  const { code, status } = data!;
  if (PROBLEMS[code]?.status !== status || status >= 500) throw new Error(`refused with ${refused}`);
  return code;
}
