/**
 * One event of an event stream (HTML standard, 9.2).
 *
 * @param json on one line
 * @param id its cursor, or, of a session, the position at which it begins: clients send it back as
 *   `Last-Event-ID`, also when they have heard nothing since
 */
export function encodeServerSentEvent(name: string, json: string, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${json}\n\n`;
}
