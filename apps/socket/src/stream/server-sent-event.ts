/**
 * One event of an event stream (HTML standard, 9.2). The data is JSON, so it has no line
 * breaks of its own.
 *
 * @param id the cursor, which clients send back as `Last-Event-ID`
 */
export function encodeServerSentEvent(name: string, data: object): string {
  const id = 'cursor' in data && typeof data.cursor === 'string' ? `id: ${data.cursor}\n` : '';
  return `${id}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
