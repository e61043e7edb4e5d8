// Runs a Node function: loads the handler, then answers events until the server is gone. One event at
// a time; what a function sees (context, console lines, error documents) is what AWS's runtime shows.
import { Client } from './runtime_api.mjs';
import { ChannelClient } from './function_channel.mjs';
import { makeContext } from './context.mjs';
import { installConsole, logError, setRequest } from './console.mjs';
import { errorDocument } from './errors.mjs';
import { loadHandler } from './load_handler.mjs';
import { installStreaming, runStreaming } from './streaming.mjs';

const channel = process.env.TANDEM_FUNCTION_CHANNEL;
delete process.env.TANDEM_FUNCTION_CHANNEL;
let client = null;
let current = null;  // {event, finish} of the invocation that runs

/** Streams of a response go through the Runtime API. */
function connect(isStreaming) {
  client ??= channel && !isStreaming ? new ChannelClient(channel) : new Client(process.env.AWS_LAMBDA_RUNTIME_API);
}

/** Called once, when the process cannot go on: tells the server why, then ends. */
async function die(error, type, status) {
  const document = errorDocument(error, type);
  logError(type === 'Runtime.UnhandledPromiseRejection' ? 'Unhandled Promise Rejection' : 'Uncaught Exception', document);
  connect(false);
  if (current) await client.postError(current.event.requestId, JSON.stringify(document));
  else await client.postInitError(JSON.stringify(document), document.errorType);
  process.exit(status);
}

process.on('uncaughtException', (error) => { die(error, undefined, 129); });
process.on('unhandledRejection', (reason) => { die(reason, 'Runtime.UnhandledPromiseRejection', 128); });
// Nothing is left to happen, yet the handler has not answered: the answer is null, as in Lambda.
process.on('beforeExit', () => { if (current) current.whenEmpty(); });

/** Runs the handler; the promise resolves to its result or rejects with its error. */
function invoke(handler, event, payload) {
  return new Promise((resolve, reject) => {
    let waiting = null;  // a callback's result, held until the event loop is empty
    current.whenEmpty = () => (waiting ?? resolve)(null);
    const context = makeContext(event);
    const done = (error, result) => {
      const settle = () => (error === null || error === undefined ? resolve(result) : reject(error));
      if (context.callbackWaitsForEmptyEventLoop) waiting = settle;
      else settle();
    };
    context.done = (error, result) => { context.callbackWaitsForEmptyEventLoop = false; done(error, result); };
    context.succeed = (result) => context.done(null, result);
    context.fail = (error) => context.done(error ?? 'handled');
    const result = handler(payload, context, done);
    if (typeof result?.then === 'function') result.then(resolve, reject);
  });
}

async function answer(handler, event) {
  current = { event, whenEmpty: () => {} };
  setRequest(event.requestId);
  if (event.traceId) process.env._X_AMZN_TRACE_ID = event.traceId;
  client.unref();
  try {
    if (handler.isStreaming) return await runStreaming(client, handler, event, makeContext(event));
    const result = await invoke(handler, event, JSON.parse(event.body));
    const text = JSON.stringify(result === undefined ? null : result);
    if (text === undefined) throw new Error('Unable to stringify response body');
    return client.answer(event.requestId, text);
  } catch (error) {
    const document = errorDocument(error);
    logError('Invoke Error', document);
    return client.answerError(event.requestId, JSON.stringify(document));
  } finally {
    client.ref();
    current = null;
  }
}

async function main() {
  installConsole();
  installStreaming();
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    await die(error, error.lambdaType, 1);
  }
  connect(handler.isStreaming);
  let event = await client.next();
  while (event) {
    await answer(handler, event);
    event = await client.receiveEvent();
  }
}

main();
