"""Sets up the root logger as Lambda does: one handler, tab-separated fields with the request's id."""

import logging
import sys
import time

_request_id = ""


def set_request(request_id):
    global _request_id
    _request_id = request_id


class _RequestFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = _request_id
        return True


class _Handler(logging.StreamHandler):
    """Writes to whatever sys.stdout is at that moment."""

    def __init__(self):
        logging.Handler.__init__(self)

    @property
    def stream(self):
        return sys.stdout


def install():
    logging.Formatter.converter = time.gmtime
    handler = _Handler()
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_RequestFilter())
    logging.getLogger().addHandler(handler)
