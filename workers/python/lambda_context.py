"""The context object that Lambda hands to a Python handler."""

import json
import os
import sys
import time


class _Client:
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext:
    __slots__ = ["custom", "env", "client"]

    def __init__(self, value):
        self.custom = value.get("custom") or {}
        self.env = value.get("env")
        self.client = None
        if "client" in value:
            self.client = _Client()
            for name in _Client.__slots__:
                setattr(self.client, name, value["client"].get(name))


class CognitoIdentity:
    def __init__(self, value):
        self.cognito_identity_id = value.get("cognitoIdentityId")
        self.cognito_identity_pool_id = value.get("cognitoIdentityPoolId")


class LambdaContext:
    def __init__(self, event):
        self.aws_request_id = event.request_id
        self.invoked_function_arn = event.function_arn
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = event.tenant_id
        self.client_context = ClientContext(json.loads(event.client_context)) if event.client_context else None
        self.identity = CognitoIdentity(json.loads(event.cognito_identity) if event.cognito_identity else {})
        self._deadline_ms = event.deadline_ms

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return "LambdaContext([aws_request_id=%s,log_group_name=%s,log_stream_name=%s,function_name=%s," \
            "memory_limit_in_mb=%s,function_version=%s,invoked_function_arn=%s])" % (
                self.aws_request_id, self.log_group_name, self.log_stream_name, self.function_name,
                self.memory_limit_in_mb, self.function_version, self.invoked_function_arn)
