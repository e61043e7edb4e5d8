// The Runtime API over one keep-alive socket, without an HTTP library: half the time of a short
// invocation would be spent in one. The server is ours: every response has a Content-Length.
import net from 'node:net';

const PREFIX = '/2018-06-01/runtime/';
const HEAD_END = Buffer.from('\r\n\r\n');

export class Client {
  constructor(endpoint) {
    const colon = endpoint.lastIndexOf(':');
    this.endpoint = endpoint;
    this.socket = net.connect({ host: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)), noDelay: true });
    this.buffer = Buffer.alloc(0);
    this.waiting = [];    // resolvers of responses, in order
    this.responses = [];  // that nobody waits for yet
    this.ended = false;
    this.nextRequest = `GET ${PREFIX}invocation/next HTTP/1.1\r\nHost: ${endpoint}\r\n\r\n`;
    this.socket.on('data', (chunk) => this.#read(chunk));
    const end = () => {
      this.ended = true;
      for (const resolve of this.waiting.splice(0)) resolve(null);
    };
    this.socket.on('close', end);
    this.socket.on('error', end);
  }

  ref() { this.socket.ref(); }
  unref() { this.socket.unref(); }

  /** The first event; null when the server is gone. */
  next() {
    this.socket.write(this.nextRequest);
    return this.receiveEvent();
  }

  async receiveEvent() {
    const response = await this.receive();
    if (!response || response.status !== 200) return null;
    const h = response.headers;
    return {
      body: response.body.toString('utf8'),
      requestId: h['lambda-runtime-aws-request-id'],
      deadlineMs: Number(h['lambda-runtime-deadline-ms']),
      functionArn: h['lambda-runtime-invoked-function-arn'],
      traceId: h['lambda-runtime-trace-id'],
      clientContext: h['lambda-runtime-client-context'],
      cognitoIdentity: h['lambda-runtime-cognito-identity'],
    };
  }

  /** Posts an answer and asks for more in one segment; the next event is receiveEvent()'s. */
  answer(requestId, text) { return this.#postAndNext(`invocation/${requestId}/response`, text); }
  answerError(requestId, text) { return this.#postAndNext(`invocation/${requestId}/error`, text); }

  postError(requestId, text) { return this.#postAlone(`invocation/${requestId}/error`, text); }
  postInitError(text, type) { return this.#postAlone('init/error', text, `Lambda-Runtime-Function-Error-Type: ${type}\r\n`); }

  #postAndNext(path, text) {
    this.socket.write(this.#post(path, text, '') + this.nextRequest);
    return this.receive();
  }

  #postAlone(path, text, headers = '') {
    this.ref();
    this.socket.write(this.#post(path, text, headers));
    return this.receive();
  }

  #post(path, text, headers) {
    return `POST ${PREFIX}${path} HTTP/1.1\r\nHost: ${this.endpoint}\r\nContent-Type: application/json\r\n` +
      `${headers}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  }

  receive() {
    if (this.responses.length > 0) return Promise.resolve(this.responses.shift());
    if (this.ended) return Promise.resolve(null);
    return new Promise((resolve) => { this.waiting.push(resolve); });
  }

  #read(chunk) {
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const headEnd = this.buffer.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const lines = this.buffer.toString('latin1', 0, headEnd).split('\r\n');
      const headers = {};
      for (let i = 1; i < lines.length; i++) {
        const colon = lines[i].indexOf(':');
        headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
      }
      const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
      if (this.buffer.length < end) return;
      const response = { status: Number(lines[0].slice(9, 12)), headers, body: this.buffer.subarray(headEnd + 4, end) };
      this.buffer = this.buffer.subarray(end);
      const resolve = this.waiting.shift();
      if (resolve) resolve(response);
      else this.responses.push(response);
    }
  }
}
