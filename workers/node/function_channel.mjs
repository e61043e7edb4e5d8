// The function channel (docs/formats/function-channel.md) with the verbs of runtime_api.mjs's Client.
// Waiting for the next event blocks the thread: between invocations nothing of a function runs.
import fs from 'node:fs';

const MESSAGE_BYTES = 64 * 1024;
const HEAD_BYTES = 24;
const VERSION = 1;
const INVOKE = 1;
const READY = 1, RESULT = 2, ERROR = 3, INIT_ERROR = 4;
const BODY_IN_FILE = 1;

export class ChannelClient {
  constructor(descriptors) {
    [this.socket, this.requests, this.answers] = descriptors.split(',').map(Number);
    this.answerBytes = fs.fstatSync(this.answers).size;
    this.buffer = Buffer.allocUnsafe(MESSAGE_BYTES);
    this.began = performance.now();
  }

  ref() {}
  unref() {}

  /** The first event; null when the server is gone. */
  next() {
    this.#send(READY, '', '', '');
    return this.receiveEvent();
  }

  receiveEvent() {
    const size = this.#receive();
    if (size === 0) return null;
    this.began = performance.now();
    const head = this.buffer;
    if (size < 32 || head[0] !== INVOKE) throw new Error('an unknown message of the server');
    const lengths = [head.readUInt16LE(4), head.readUInt16LE(6), head.readUInt16LE(8), head.readUInt32LE(12), Number(head.readBigUInt64LE(16))];
    const total = lengths.reduce((sum, length) => sum + length);
    let body = head.subarray(32, size);
    if (head[1] & BODY_IN_FILE) {
      body = Buffer.allocUnsafe(total);
      for (let at = 0; at < total;) {
        const n = fs.readSync(this.requests, body, at, total - at, at);
        if (n === 0) throw new Error('a message of the server ends early');
        at += n;
      }
    }
    let at = 0;
    const [requestId, functionArn, traceId, clientContext, text] = lengths.map((length) => body.toString('utf8', at, at += length));
    return { body: text, requestId, functionArn, traceId, clientContext: clientContext || undefined, deadlineMs: Number(head.readBigInt64LE(24)) };
  }

  async answer(requestId, text) { this.#send(RESULT, requestId, '', text); }
  async answerError(requestId, text) { this.#send(ERROR, requestId, '', text); }
  async postError(requestId, text) { this.#send(ERROR, requestId, '', text); }
  async postInitError(text, type) { this.#send(INIT_ERROR, '', type, text); }

  #receive() {
    for (;;) {
      try {
        return fs.readSync(this.socket, this.buffer, 0, MESSAGE_BYTES, null);
      } catch (error) {
        if (error.code === 'ECONNRESET') return 0;
        if (error.code !== 'EINTR') throw error;
      }
    }
  }

  #send(kind, requestId, type, text) {
    const names = Buffer.from(requestId + type.slice(0, 1024));
    const payload = Buffer.from(text);
    const inFile = HEAD_BYTES + names.length + payload.length > MESSAGE_BYTES;
    const message = Buffer.alloc(HEAD_BYTES + (inFile ? 0 : names.length + payload.length));
    message[0] = kind;
    message[1] = inFile ? BODY_IN_FILE : 0;
    message.writeUInt16LE(Buffer.byteLength(requestId), 2);
    message.writeUInt16LE(names.length - Buffer.byteLength(requestId), 4);
    message.writeUInt16LE(VERSION, 6);
    message.writeBigUInt64LE(BigInt(payload.length), 8);
    message.writeUInt32LE(Math.min((performance.now() - this.began) * 1000, 0xffffffff) >>> 0, 16);
    if (inFile) {
      fs.writeSync(this.answers, names, 0, names.length, 0);
      // One that does not fit is refused for its size, unread.
      if (names.length + payload.length <= this.answerBytes) {
        for (let at = 0; at < payload.length;) at += fs.writeSync(this.answers, payload, at, payload.length - at, names.length + at);
      }
    } else {
      names.copy(message, HEAD_BYTES);
      payload.copy(message, HEAD_BYTES + names.length);
    }
    fs.writeSync(this.socket, message);
  }
}
