// console.* as Lambda prints it: time, request, level and text, separated by tabs.
import util from 'node:util';

let requestId;

export function setRequest(id) { requestId = id; }

function line(level, text) {
  process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
}

export function installConsole() {
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...parts) => line(level, util.format(...parts));
  }
  console.fatal = (...parts) => line('FATAL', util.format(...parts));
}

/** An error of the function as Lambda logs it: the document on one line. */
export function logError(what, document) {
  const { errorType, errorMessage, trace, ...rest } = document;
  line('ERROR', `${what} \t${JSON.stringify({ errorType, errorMessage, ...rest, stack: trace })}`);
}
