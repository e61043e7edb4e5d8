"""What all client tests share: a function's package and definitions."""
import io
import json
import zipfile

ROLE = "arn:aws:iam::123456789012:role/test"
SOURCE = '''
def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked to fail")
    print("seen by", context.function_name)
    return {"doubled": event.get("n", 0) * 2, "request": context.aws_request_id}
'''


def package(source=SOURCE):
    """The same bytes at any time: tests compare them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return out.getvalue()


def definition(function_arn):
    """Doubles each item of the input, by the function's ARN, in a Map."""
    return json.dumps({"StartAt": "Each", "States": {"Each": {
        "Type": "Map", "ItemsPath": "$.items", "End": True,
        "ItemProcessor": {"StartAt": "Double", "States": {"Double": {
            "Type": "Task", "Resource": function_arn, "ResultSelector": {"doubled.$": "$.doubled"}, "End": True}}}}}})


WAITING = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
FAILING = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Wrong", "Cause": "on purpose"}}})
