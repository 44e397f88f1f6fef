/** What engine.io is about to hand to a transport. */
export interface Packet {
  type: string;
  data?: unknown;
  /** `wsPreEncodedFrame`: its frame, when it is the same for many. */
  options?: { wsPreEncodedFrame?: readonly Buffer[] };
}

type Payload = string | ArrayBuffer | NodeJS.ArrayBufferView;

/** How a transport of engine.io encodes its packets; it does so at once. */
export interface PacketCoding {
  parser: {
    encodePacket: (packet: Packet, supportsBinary: boolean, callback: (encoded: Payload) => void) => void;
  };
  supportsBinary: boolean;
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

/** Larger frames that are the same for many cost less as they are than a copy for each, in bytes. */
const LARGE = 4 * 1024;

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

  addPayload(payload: Payload): void {
    const length = Buffer.byteLength(payload);
    this.makeRoom(LONGEST_HEAD + length);
    this.addHead(typeof payload === 'string' ? TEXT : BINARY, length);
    if (typeof payload === 'string') this.#target.write(payload, this.#end);
    else this.#target.set(bytesOf(payload), this.#end);
    this.#end += length;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** Forgets what was added. */
  clear(): void {
    this.#end = 0;
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
export function joinFrames(packets: Packet[], { parser, supportsBinary }: PacketCoding): void {
  const joined: Packet[] = [];
  const finish = (): void => {
    if (!writer.isEmpty) joined.push({ type: 'message', options: { wsPreEncodedFrame: [writer.take()] } });
  };
  // What is there is of somebody else, for whom it came to an error.
  writer.clear();
  for (const packet of packets) {
    const frame = packet.options?.wsPreEncodedFrame;
    if (!frame) parser.encodePacket(packet, supportsBinary, (payload) => writer.addPayload(payload));
    else if (lengthOf(frame) <= LARGE) writer.add(frame);
    else {
      finish();
      joined.push(packet);
    }
  }
  finish();
  packets.splice(0, packets.length, ...joined);
}

function lengthOf(frame: readonly Buffer[]): number {
  return frame.reduce((length, part) => length + part.length, 0);
}

function bytesOf(data: ArrayBuffer | NodeJS.ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
