const LINE_END = '\r\n';

/** Types of replies that are followed by as many bytes as they say. */
const SIZED = new Set(['$', '=', '!']);

/** Types that are followed by as many replies as they say, times the factor. */
const NESTING = new Map([
  ['*', 1],
  ['>', 1],
  ['~', 1],
  ['%', 2],
]);

/** Where the first reply of Redis (RESP 2 or 3) ends in what was received; -1 when it is not whole yet. */
export function endOfReply(received: Buffer, start = 0): number {
  const lineEnd = received.indexOf(LINE_END, start);
  if (lineEnd < 0) return -1;
  const type = String.fromCharCode(received[start]!);
  const size = Number(received.toString('latin1', start + 1, lineEnd));
  let end = lineEnd + LINE_END.length;
  if (SIZED.has(type)) {
    if (size >= 0) end += size + LINE_END.length;
    return end <= received.length ? end : -1;
  }
  for (let nested = size * (NESTING.get(type) ?? 0); nested > 0; nested -= 1) {
    end = endOfReply(received, end);
    if (end < 0) return -1;
  }
  return end;
}

/** Whether a reply is a message that was published on a sharded channel. */
export function isPushedMessage(reply: Buffer): boolean {
  return /^[*>]3\r\n\$8\r\nsmessage\r\n/.test(reply.toString('latin1', 0, 24));
}
