// Finds the function that `_HANDLER` names ("dir/file.export" or "dir/file.a.b") in the package, as a
// CommonJS or an ES module. Errors carry Lambda's own error type (lambdaType) and text (lambdaMessage).
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

function initError(type, message, cause) {
  const error = cause ?? new Error(message);
  error.lambdaType = type;
  error.lambdaMessage = message;
  return error;
}

/** True where a .js file belongs to a package of ES modules. */
function isModulePackage(file) {
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const manifest = path.join(directory, 'package.json');
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch (error) {
        throw initError('Runtime.UserCodeSyntaxError', `Invalid package config ${manifest}`, error);
      }
    }
    if (directory === path.dirname(directory)) return false;
  }
}

async function loadModule(root, module) {
  const base = path.resolve(root, module);
  const require = createRequire(path.join(root, 'package.json'));
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const file = base + extension;
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    const isModule = extension === '.mjs' || (extension === '.js' && isModulePackage(file));
    return isModule ? import(pathToFileURL(file).href) : require(file);
  }
  return require(require.resolve(module, { paths: [root, path.dirname(base)] }));
}

export async function loadHandler(root, handler) {
  if (handler.includes('..')) throw initError('Runtime.MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const directory = path.dirname(handler);
  const match = /^([^.]*)\.(.+)$/.exec(path.basename(handler));
  if (!match) throw initError('Runtime.MalformedHandlerName', 'Bad handler');
  const module = path.join(directory, match[1]);
  let found;
  try {
    found = await loadModule(root, module);
  } catch (error) {
    if (error instanceof SyntaxError) throw initError('Runtime.UserCodeSyntaxError', String(error), error);
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw initError('Runtime.ImportModuleError', String(error), error);
    }
    throw error;
  }
  const names = match[2].split('.');
  const pick = (from) => names.reduce((value, name) => value?.[name], from);
  const fn = pick(found) ?? pick(found.default);
  if (fn === undefined || fn === null) throw initError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof fn !== 'function') throw initError('Runtime.HandlerNotFound', `${handler} is not a function`);
  return fn;
}
