"""Runs a Python Lambda function: imports the handler, then answers events until the server is gone.

One process, one event at a time, through the function channel where it is offered, else over one
keep-alive connection to the Runtime API (2018-06-01). What a function sees (context, error documents, log lines, stack traces) is what AWS's own runtime shows.
"""

import importlib
import json
import os
import sys
import traceback

RUNTIME_DIR = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != RUNTIME_DIR]

# Loaded by path: names in the function's package must not meet names of the runtime's.
import importlib.util  # noqa: E402


def _load(name):
    spec = importlib.util.spec_from_file_location("_tandem_" + name, os.path.join(RUNTIME_DIR, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lambda_context = _load("lambda_context")
lambda_logging = _load("lambda_logging")


class InitError(Exception):
    """The handler cannot be loaded; `document` says why in Lambda's words."""

    def __init__(self, message, kind, stack=()):
        super().__init__(message)
        self.document = error_document(message, kind, list(stack), "")


def error_document(message, kind, stack, request_id):
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}


def exception_document(error, request_id, skip_module):
    """The error document of an exception, without the frames of this runtime above the function's."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename.startswith((RUNTIME_DIR, *skip_module)):
        frames.pop(0)
    stack = [_format_frame(frame) for frame in frames]
    return error_document(str(error), type(error).__name__, stack, request_id)


def _shown(path):
    """A path as Lambda shows it, also where the package could not be mounted at /var/task."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    return "/var/task" + path[len(root):] if path.startswith(root) else path


def _format_frame(frame):
    text = '  File "%s", line %s, in %s\n' % (_shown(frame.filename), frame.lineno, frame.name)
    return text + ("    %s\n" % frame.line if frame.line else "")


def load_handler(handler):
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise InitError("Bad handler '%s': %s" % (handler, error), "Runtime.MalformedHandlerName") from None
    name = module_name.replace("/", ".")
    if name.split(".")[0] in sys.builtin_module_names:
        raise InitError("Cannot use built-in module %s as a handler module" % module_name, "Runtime.BuiltInModuleConflict")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise InitError("Unable to import module '%s': %s" % (module_name, error), "Runtime.ImportModuleError") from None
    except SyntaxError as error:
        line = '  File "%s" Line %s\n    %s' % (_shown(error.filename or ""), error.lineno, error.text)
        raise InitError("Syntax error in module '%s': %s" % (module_name, error), "Runtime.UserCodeSyntaxError", [line]) from None
    if not hasattr(module, function_name):
        raise InitError("Handler '%s' missing on module '%s'" % (function_name, module_name), "Runtime.HandlerNotFound")
    return getattr(module, function_name)


def _jsonable(value):
    """Lambda's encoder knows bytes (within the answer) and decimals."""
    import decimal

    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


# AWS's runtimes up to Python 3.11 escape what is not ASCII, later ones do not.
_runtime = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
_encoder = json.JSONEncoder(ensure_ascii=not _runtime.isdigit() or int(_runtime) < 12, default=_jsonable)


def answer(handler, event_text, context):
    """What to post for one event: (is_error, body as text or bytes)."""
    request_id = context.aws_request_id
    try:
        event = json.loads(event_text)
    except ValueError as error:
        document = error_document("Unable to unmarshal input: %s" % error, "Runtime.UnmarshalError", [], request_id)
        return True, _report(document)
    try:
        result = handler(event, context)
    except Exception as error:
        return True, _report(exception_document(error, request_id, ()))
    if isinstance(result, bytes):
        return False, result  # is the answer, be it JSON or not
    try:
        return False, _encoder.encode(result)
    except Exception as error:
        document = error_document("Unable to marshal response: %s" % error, "Runtime.MarshalError", [], request_id)
        return True, _report(document)


def _report(document):
    """Logs an error as AWS does and returns its JSON."""
    lines = ["[ERROR] %s: %s" % (document["errorType"], document["errorMessage"])]
    if document["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines.extend(line.rstrip("\n") for line in document["stackTrace"])
    print("\n".join(lines))
    return json.dumps(document)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    channel = os.environ.pop("TANDEM_FUNCTION_CHANNEL", None)
    client = _load("function_channel").Client(channel) if channel else _load("runtime_api").Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    lambda_logging.install()
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except InitError as error:
        client.init_error(_report(error.document), error.document["errorType"])
        sys.exit(1)
    except Exception as error:
        document = exception_document(error, "", ("<frozen importlib", os.path.dirname(importlib.__file__)))
        client.init_error(_report(document), document["errorType"])
        sys.exit(1)
    event = client.next()
    while event is not None:
        if event.trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = event.trace_id
        context = lambda_context.LambdaContext(event)
        lambda_logging.set_request(event.request_id)
        is_error, body = answer(handler, event.body, context)
        sys.stdout.flush()
        sys.stderr.flush()
        event = client.answer_and_next(event.request_id, body, is_error)


if __name__ == "__main__":
    main()
