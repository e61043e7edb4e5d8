// awslambda.streamifyResponse: handlers that write their response piece by piece. The body goes out
// in chunks as it is written; an error on the way goes into the trailers.
import { Writable } from 'node:stream';
import { errorDocument } from './errors.mjs';
import { logError } from './console.mjs';

const HTTP_INTEGRATION = 'application/vnd.awslambda.http-integration-response';

class ResponseStream extends Writable {
  constructor(client, requestId) {
    super();
    this.client = client;
    this.requestId = requestId;
    this.contentType = 'application/octet-stream';
    this.begun = false;
  }

  setContentType(type) { this.contentType = type; }

  begin() {
    if (this.begun) return;
    this.begun = true;
    this.client.socket.write(
      `POST /2018-06-01/runtime/invocation/${this.requestId}/response HTTP/1.1\r\nHost: ${this.client.endpoint}\r\n` +
      `Content-Type: ${this.contentType}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n` +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n');
  }

  _write(chunk, encoding, callback) {
    this.begin();
    if (chunk.length === 0) return callback();
    this.client.socket.write(`${chunk.length.toString(16)}\r\n`);
    this.client.socket.write(chunk);
    this.client.socket.write('\r\n', callback);
  }

  finish(trailers) {
    this.begin();
    this.client.socket.write(`0\r\n${trailers}\r\n${this.client.nextRequest}`);
    return this.client.receive();
  }
}

export function installStreaming() {
  globalThis.awslambda = {
    streamifyResponse(handler) {
      handler.isStreaming = true;
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType(HTTP_INTEGRATION);
        stream.write(JSON.stringify(prelude));
        stream.write(Buffer.alloc(8));
        return stream;
      },
    },
  };
}

export async function runStreaming(client, handler, event, context) {
  const stream = new ResponseStream(client, event.requestId);
  client.ref();
  try {
    await handler(JSON.parse(event.body), stream, context);
    if (!stream.writableFinished) await new Promise((resolve) => { stream.end(resolve); });
    return await stream.finish('');
  } catch (error) {
    const document = errorDocument(error);
    logError('Invoke Error', document);
    const text = JSON.stringify(document);
    return stream.finish(`Lambda-Runtime-Function-Error-Type: ${document.errorType}\r\n` +
      `Lambda-Runtime-Function-Error-Body: ${Buffer.from(text).toString('base64')}\r\n`);
  }
}
