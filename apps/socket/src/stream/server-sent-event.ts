/**
 * One event of an event stream (HTML standard, 9.2). The data is JSON, so it has no line
 * breaks of its own. Its id is its cursor, or, of a session, the position at which it begins:
 * clients send it back as `Last-Event-ID`, also when they have heard nothing since.
 */
export function encodeServerSentEvent(name: string, data: object): string {
  const cursor = cursorOf(data);
  return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function cursorOf({ cursor, cursors }: { cursor?: unknown; cursors?: unknown[] }): string | undefined {
  const position = cursor ?? cursors?.[0];
  return typeof position === 'string' ? position : undefined;
}
