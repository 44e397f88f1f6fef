/** What engine.io is about to hand to a transport. */
export interface Packet {
  type: string;
  data?: unknown;
  /** `wsPreEncodedFrame`: its frame, when it is the same for many. */
  options?: { wsPreEncodedFrame?: readonly Buffer[] };
}

/** Of engine.io; it answers at once. */
export interface PacketParser {
  encodePacket: (packet: Packet, supportsBinary: true, callback: (encoded: string | Buffer) => void) => void;
}

/** The first byte of a frame that is a whole message. */
const TEXT = 0x81;
const BINARY = 0x82;

/** Longest payload whose length fits into the second byte, and into two bytes after it. */
const SHORT = 125;
const MEDIUM = 0xff_ff;
const LENGTH_OF_2 = 126;
const LENGTH_OF_8 = 127;
const LONGEST_HEAD = 10;

/** What is kept to write into, in bytes. */
const ROOM = 256 * 1024;

/** Frames of a server, which have no mask, one after the other (RFC 6455, 5.2). */
class FrameWriter {
  #target = Buffer.allocUnsafe(ROOM);
  #end = 0;

  /** One that has its head. */
  add(frame: readonly Buffer[]): void {
    for (const part of frame) {
      this.makeRoom(part.length);
      this.#end += part.copy(this.#target, this.#end);
    }
  }

  addPayload(payload: string | Buffer): void {
    const length = Buffer.byteLength(payload);
    this.makeRoom(LONGEST_HEAD + length);
    this.addHead(typeof payload === 'string' ? TEXT : BINARY, length);
    if (typeof payload === 'string') this.#target.write(payload, this.#end);
    else payload.copy(this.#target, this.#end);
    this.#end += length;
  }

  /** All that was added since the last time. */
  take(): Buffer {
    const taken = Buffer.from(this.#target.subarray(0, this.#end));
    this.#end = 0;
    if (this.#target.length > ROOM) this.#target = Buffer.allocUnsafe(ROOM);
    return taken;
  }

  private addHead(first: number, length: number): void {
    const target = this.#target;
    let end = target.writeUInt8(first, this.#end);
    if (length <= SHORT) end = target.writeUInt8(length, end);
    else if (length <= MEDIUM) end = target.writeUInt16BE(length, target.writeUInt8(LENGTH_OF_2, end));
    else end = target.writeBigUInt64BE(BigInt(length), target.writeUInt8(LENGTH_OF_8, end));
    this.#end = end;
  }

  private makeRoom(more: number): void {
    const needed = this.#end + more;
    if (needed <= this.#target.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#target.length));
    this.#target.copy(larger, 0, 0, this.#end);
    this.#target = larger;
  }
}

const writer = new FrameWriter();

/**
 * Makes one packet of several: the frames of all in one buffer. One by one, each costs two
 * buffers and two writes, before all go out together.
 */
export function joinFrames(packets: Packet[], parser: PacketParser): void {
  for (const packet of packets) {
    const frame = packet.options?.wsPreEncodedFrame;
    if (frame) writer.add(frame);
    else parser.encodePacket(packet, true, (payload) => writer.addPayload(payload));
  }
  packets.splice(0, packets.length, { type: 'message', options: { wsPreEncodedFrame: [writer.take()] } });
}
