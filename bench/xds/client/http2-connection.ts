import type { Socket } from 'node:net';

/** What a connection tells of one of its streams. */
export interface Http2Listener {
  /** Bytes of DATA frames: valid during the call only. */
  onData(bytes: Buffer, from: number, to: number): void;
  /** The server has ended the stream. */
  onEnd(): void;
}

export interface Http2Options {
  /** What a stream may be sent ahead of being read; as much for each stream of the connection together. */
  readonly window: number;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEADER_BYTES = 9;
const MAX_FRAME = 16_384;
const DEFAULT_WINDOW = 65_535;

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;

const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;

const SETTING_INITIAL_WINDOW = 4;

/** One stream of a connection, which sends what its window allows and keeps the rest. */
export class Http2Stream {
  readonly id: number;
  readonly listener: Http2Listener;
  sendWindow: number;
  unacknowledged = 0;
  readonly waiting: Buffer[] = [];

  constructor(id: number, listener: Http2Listener, sendWindow: number) {
    this.id = id;
    this.listener = listener;
    this.sendWindow = sendWindow;
  }
}

/**
 * The client's side of HTTP/2 as far as gRPC streams need it, written out because a load client has ten thousand of them: no header is
 * read, nothing of a frame is kept, and one read buffer serves all connections.
 */
export class Http2Connection {
  private readonly socket: Socket;
  private readonly window: number;
  private readonly streams: Http2Stream[] = [];
  private sendWindow = DEFAULT_WINDOW;
  private initialWindow = DEFAULT_WINDOW;
  private unacknowledged = 0;
  /** The frame under way: its header as far as it is there, and what is still to come of it. */
  private header: Buffer | undefined;
  private headerBytes = 0;
  private type = -1;
  private flags = 0;
  private streamId = 0;
  private left = 0;
  /** Content of frames other than DATA. */
  private control: Buffer | undefined;
  private controlBytes = 0;

  constructor(socket: Socket, { window }: Http2Options) {
    this.socket = socket;
    this.window = window;
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(SETTING_INITIAL_WINDOW, 0);
    settings.writeUInt32BE(window, 2);
    const update = Buffer.alloc(4);
    update.writeUInt32BE(window - DEFAULT_WINDOW);
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, update)]));
  }

  /** Opens a stream with an encoded block of header fields. */
  open(headers: Buffer, listener: Http2Listener): Http2Stream {
    const stream = new Http2Stream(this.streams.length * 2 + 1, listener, this.initialWindow);
    this.streams.push(stream);
    this.socket.write(frame(HEADERS, END_HEADERS, stream.id, headers));
    return stream;
  }

  send(stream: Http2Stream, bytes: Buffer): void {
    if (stream.waiting.length > 0) stream.waiting.push(bytes);
    else this.sendNow(stream, bytes);
  }

  /** Sends what the windows allow, in one write; the rest waits. */
  private sendNow(stream: Http2Stream, bytes: Buffer): void {
    const allowed = Math.max(0, Math.min(bytes.length, stream.sendWindow, this.sendWindow));
    if (allowed < bytes.length) stream.waiting.unshift(bytes.subarray(allowed));
    if (allowed === 0) return;
    stream.sendWindow -= allowed;
    this.sendWindow -= allowed;
    const frames = Math.ceil(allowed / MAX_FRAME);
    const output = Buffer.allocUnsafe(allowed + frames * HEADER_BYTES);
    for (let i = 0, from = 0, at = 0; i < frames; i += 1) {
      const to = Math.min(allowed, from + MAX_FRAME);
      at = writeHeader(output, at, { length: to - from, type: DATA, flags: 0, streamId: stream.id });
      at += bytes.copy(output, at, from, to);
      from = to;
    }
    this.socket.write(output);
  }

  private flush(stream: Http2Stream): void {
    while (stream.sendWindow > 0 && this.sendWindow > 0) {
      const bytes = stream.waiting.shift();
      if (!bytes) return;
      this.sendNow(stream, bytes);
    }
  }

  /** What came from the socket. */
  read(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      if (this.type < 0) {
        at = this.readHeader(bytes, at, length);
        if (this.type >= 0 && this.left === 0) this.endFrame();
        continue;
      }
      const end = Math.min(length, at + this.left);
      if (this.type === DATA) this.stream?.listener.onData(bytes, at, end);
      else this.keep(bytes, at, end);
      this.left -= end - at;
      at = end;
      if (this.left === 0) this.endFrame();
    }
  }

  private get stream(): Http2Stream | undefined {
    return this.streams[(this.streamId - 1) >> 1];
  }

  private readHeader(bytes: Buffer, from: number, length: number): number {
    if (this.headerBytes === 0 && length - from >= HEADER_BYTES) {
      this.startFrame(bytes, from);
      return from + HEADER_BYTES;
    }
    this.header ??= Buffer.alloc(HEADER_BYTES);
    const taken = Math.min(HEADER_BYTES - this.headerBytes, length - from);
    bytes.copy(this.header, this.headerBytes, from, from + taken);
    this.headerBytes += taken;
    if (this.headerBytes === HEADER_BYTES) {
      this.headerBytes = 0;
      this.startFrame(this.header, 0);
    }
    return from + taken;
  }

  private startFrame(bytes: Buffer, at: number): void {
    this.left = bytes.readUIntBE(at, 3);
    this.type = bytes[at + 3] ?? 0;
    this.flags = bytes[at + 4] ?? 0;
    this.streamId = bytes.readUInt32BE(at + 5);
    this.controlBytes = 0;
    if (this.type === DATA) {
      if ((this.flags & PADDED) !== 0) throw new Error('a DATA frame is padded');
      this.account(this.left);
    }
  }

  /** Gives the server new windows once half of one is used. */
  private account(bytes: number): void {
    this.unacknowledged += bytes;
    if (this.unacknowledged > this.window / 2) this.unacknowledged = this.update(0, this.unacknowledged);
    const { stream } = this;
    if (!stream) return;
    stream.unacknowledged += bytes;
    if (stream.unacknowledged > this.window / 2) stream.unacknowledged = this.update(stream.id, stream.unacknowledged);
  }

  private update(streamId: number, bytes: number): number {
    const content = Buffer.alloc(4);
    content.writeUInt32BE(bytes);
    this.socket.write(frame(WINDOW_UPDATE, 0, streamId, content));
    return 0;
  }

  private keep(bytes: Buffer, from: number, to: number): void {
    this.control ??= Buffer.alloc(64);
    this.controlBytes += bytes.copy(this.control, this.controlBytes, from, to);
  }

  private endFrame(): void {
    const content = this.control?.subarray(0, this.controlBytes) ?? Buffer.alloc(0);
    const { type } = this;
    this.type = -1;
    this.control = undefined;
    switch (type) {
      case SETTINGS:
        if ((this.flags & ACK) === 0) this.takeSettings(content);
        break;
      case PING:
        if ((this.flags & ACK) === 0) this.socket.write(frame(PING, ACK, 0, content));
        break;
      case WINDOW_UPDATE:
        this.takeWindow(content.readUInt32BE(0));
        break;
      case RST_STREAM:
        this.stream?.listener.onEnd();
        break;
      case GOAWAY:
        for (const stream of this.streams) stream.listener.onEnd();
        break;
      default:
        if ((type === HEADERS || type === DATA) && (this.flags & END_STREAM) !== 0) this.stream?.listener.onEnd();
    }
  }

  private takeSettings(content: Buffer): void {
    for (let at = 0; at + 6 <= content.length; at += 6) {
      if (content.readUInt16BE(at) !== SETTING_INITIAL_WINDOW) continue;
      const change = content.readUInt32BE(at + 2) - this.initialWindow;
      this.initialWindow += change;
      for (const stream of this.streams) stream.sendWindow += change;
    }
    this.socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    for (const stream of this.streams) this.flush(stream);
  }

  private takeWindow(bytes: number): void {
    if (this.streamId === 0) this.sendWindow += bytes;
    else if (this.stream) this.stream.sendWindow += bytes;
    for (const stream of this.streams) if (stream.waiting.length > 0) this.flush(stream);
  }
}

function writeHeader(
  output: Buffer,
  at: number,
  { length, type, flags, streamId }: Readonly<Record<'length' | 'type' | 'flags' | 'streamId', number>>,
): number {
  output.writeUIntBE(length, at, 3);
  output[at + 3] = type;
  output[at + 4] = flags;
  return output.writeUInt32BE(streamId, at + 5);
}

function frame(type: number, flags: number, streamId: number, content: Buffer): Buffer {
  const output = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  content.copy(output, writeHeader(output, 0, { length: content.length, type, flags, streamId }));
  return output;
}
