// Error documents in the shape of Lambda's Node runtime: {errorType, errorMessage, trace}.
import path from 'node:path';
import util from 'node:util';
import { fileURLToPath } from 'node:url';

const RUNTIME_DIRECTORY = path.dirname(fileURLToPath(import.meta.url)) + '/';
const TASK_ROOT = process.env.LAMBDA_TASK_ROOT;

/** Text with paths as Lambda shows them, also where the package could not be mounted at /var/task. */
const shown = (text) => (TASK_ROOT === '/var/task' ? text : text.replaceAll(TASK_ROOT, '/var/task'));

/** `type` overrides what the error itself says. */
export function errorDocument(error, type) {
  if (type === 'Runtime.UnhandledPromiseRejection') {
    const reason = errorDocument(error);
    return { errorType: type, errorMessage: String(error), reason, promise: {}, trace: [`${type}: ${error}`, ...reason.trace.slice(1)] };
  }
  if (!(error instanceof Error) && !util.types.isNativeError(error)) {
    return { errorType: type ?? typeof error, errorMessage: String(error), trace: [] };
  }
  return {
    errorType: type ?? error.name ?? 'Error',
    errorMessage: shown(type ? error.lambdaMessage ?? error.message : error.message),
    trace: shown(error.stack ?? '').split('\n').filter((text) => !text.includes(RUNTIME_DIRECTORY)),
  };
}
