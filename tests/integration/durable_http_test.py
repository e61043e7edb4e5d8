"""The HTTP API of Durable Functions on a running server: each route's success, what unknown and ended instances get, bad input."""
import datetime
import http.client
import json
import logging
import threading
import time
import unittest
import urllib.parse
import uuid

from clients import PatientTestCase  # first: it finds the Python that has the clients

try:
    from durabletask import task, worker
except ImportError:
    print("skipped: durabletask is not installed (./dev test installs it)")
    raise SystemExit(77)
from server import Server

logging.disable(logging.WARNING)
BASE = "/runtime/webhooks/durabletask"
JSON = {"Content-Type": "application/json"}
mended = set()


def double(_, number):
    return number * 2


def fails_until_mended(_, key):
    if key not in mended:
        raise ValueError("not yet")
    return "done"


def doubles(ctx, number):
    ctx.set_custom_status({"at": number})
    return (yield ctx.call_activity(double, input=number))


def waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


def rewindable(ctx, key):
    return (yield ctx.call_activity(fails_until_mended, input=key))


def history(ctx, number):
    result = yield ctx.call_activity(double, input=number)
    yield ctx.create_timer(datetime.timedelta(milliseconds=20))
    yield ctx.call_sub_orchestrator("doubles", input=1, instance_id=ctx.instance_id + "-sub")
    got = yield ctx.wait_for_external_event("go")
    try:
        yield ctx.call_activity(fails_until_mended, input="never")
    except task.TaskFailedError:
        pass
    return [result, got]


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)


def connect(url, timeout_s=40):
    parts = urllib.parse.urlsplit(url)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


def send(url, method="GET", body=None, headers=None):
    connection = connect(url)
    try:
        target = url.split(connection.host + ":" + str(connection.port), 1)[1]
        connection.request(method, target, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class DurableHttpTest(PatientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(arguments=["--no-auth"]).start()
        cls.worker = worker.TaskHubGrpcWorker(host_address=cls.server.ready["grpc"])
        for orchestrator in (doubles, waits, rewindable, history):
            cls.worker.add_orchestrator(orchestrator)
        for activity in (double, fails_until_mended):
            cls.worker.add_activity(activity)
        cls.worker.start()

    @classmethod
    def tearDownClass(cls):
        cls.worker.stop()
        cls.server.stop()

    def call(self, method, route, body=None, headers=None, base=BASE):
        return send(self.server.url + base + route, method, body, headers)

    def expect(self, status, method, route, body=None, headers=None):
        answer = self.call(method, route, body, headers)
        self.assertEqual(answer.status, status, answer.body)
        if status >= 400:
            self.assertTrue(answer.json()["Message"])
        return answer

    def start(self, name, value=None, instance=None):
        route = f"/orchestrators/{name}" + (f"/{instance}" if instance else "")
        return self.expect(202, "POST", route, None if value is None else json.dumps(value)).json()

    def status(self, instance, query=""):
        return self.call("GET", f"/instances/{instance}{query}")

    def end(self, instance, status="Completed"):
        found = self.until("never ended", lambda: (a := self.status(instance)).status != 202 and a).json()
        self.assertEqual(found["runtimeStatus"], status, found)
        return found

    def running(self, instance):
        self.until("never ran", lambda: self.status(instance).json()["runtimeStatus"] == "Running")

    def ended(self):
        instance = self.start("doubles", 1)["id"]
        self.end(instance)
        return instance

    def test_start_and_follow_the_links(self):
        answer = self.expect(202, "POST", "/orchestrators/doubles/a%20b?taskHub=default", "21")
        links = answer.json()
        self.assertEqual(list(links), ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "purgeHistoryDeleteUri",
                                       "restartPostUri", "suspendPostUri", "resumePostUri"])
        self.assertEqual(links["id"], "a b")
        self.assertEqual((answer.headers["Location"], answer.headers["Retry-After"]), (links["statusQueryGetUri"], "10"))
        self.assertEqual(links["statusQueryGetUri"],
                         f"{self.server.url}{BASE}/instances/a%20b?taskHub=default&connection=Storage")
        found = self.until("never ended", lambda: (a := send(links["statusQueryGetUri"])).status == 200 and a).json()
        times = [datetime.datetime.strptime(found.pop(name), "%Y-%m-%dT%H:%M:%SZ") for name in ("createdTime", "lastUpdatedTime")]
        self.assertLessEqual(*times)
        self.assertEqual(found, {"name": "doubles", "instanceId": "a b", "runtimeStatus": "Completed", "input": 21,
                                 "customStatus": {"at": 21}, "output": 42})
        self.assertEqual(send(links["terminatePostUri"].replace("{text}", "x"), "POST").status, 410)
        self.assertEqual(send(links["restartPostUri"], "POST").status, 202)
        self.assertEqual(send(links["purgeHistoryDeleteUri"], "DELETE").json(), {"instancesDeleted": 1})
        self.assertEqual(send(links["statusQueryGetUri"]).status, 404)

    def test_links_lead_through_a_whole_life(self):
        links = self.start("waits")
        self.running(links["id"])
        self.assertEqual(send(links["suspendPostUri"].replace("{text}", "lunch"), "POST").status, 202)
        self.until("never suspended", lambda: send(links["statusQueryGetUri"]).json()["runtimeStatus"] == "Suspended")
        self.assertEqual(send(links["resumePostUri"].replace("{text}", "back"), "POST").status, 202)
        answer = send(links["sendEventPostUri"].replace("{eventName}", "go"), "POST", '{"a": 1}', JSON)
        self.assertEqual((answer.status, answer.body), (202, b""))
        self.assertEqual(self.end(links["id"])["output"], {"a": 1})

    def test_start_and_wait(self):
        answer = self.expect(200, "POST", "/orchestrators/doubles?timeout=30&pollingInterval=1", "4")
        self.assertEqual(answer.json(), 8)
        began = time.monotonic()
        answer = self.expect(202, "POST", "/orchestrators/waits?timeout=0.3")
        self.assertGreaterEqual(time.monotonic() - began, 0.3)
        self.assertIn("statusQueryGetUri", answer.json())
        answer = self.expect(200, "POST", "/orchestrators/rewindable?timeout=30", '"wait"')
        self.assertEqual(answer.json()["runtimeStatus"], "Failed")
        self.assertIn("not yet", answer.json()["output"])
        self.assertEqual(self.call("POST", "/orchestrators/rewindable?timeout=30&returnInternalServerErrorOnFailure=true", '"wait"').status,
                         500)

    def test_a_caller_who_goes_does_not_matter(self):
        instance = uuid.uuid4().hex
        connection = connect(self.server.url)
        connection.request("POST", f"{BASE}/orchestrators/waits/{instance}?timeout=30")
        self.until("never began", lambda: self.status(instance).status == 202)
        connection.close()
        self.expect(202, "POST", f"/instances/{instance}/raiseEvent/go", "1", JSON)
        self.end(instance)

    def test_start_refuses(self):
        for route, body in (("/orchestrators/doubles", "{"), ("/orchestrators/doubles", b"\xff"), ("/orchestrators/" + "x" * 600, None),
                            ("/orchestrators/doubles/@e@k", None), ("/orchestrators/doubles/" + "x" * 300, None),
                            ("/orchestrators/doubles/a%0Ab", None), ("/orchestrators/doubles/%ff", None),
                            ("/orchestrators/doubles?timeout=soon", None), ("/orchestrators/doubles?timeout=1&pollingInterval=-1", None),
                            ("/orchestrators/doubles?taskHub=a/b", None)):
            self.expect(400, "POST", route, body)
        instance = self.start("waits")["id"]
        self.expect(409, "POST", f"/orchestrators/waits/{instance}")
        ended = self.ended()
        self.start("doubles", 3, ended)  # takes the place of the one that has ended
        self.assertEqual(self.end(ended)["output"], 6)

    def test_status(self):
        instance = self.start("waits", {"x": [1.50]})["id"]
        self.running(instance)
        answer = self.status(instance)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (202, "5"))
        self.assertEqual(send(answer.headers["Location"]).json(), answer.json())
        self.assertEqual(answer.json()["input"], {"x": [1.5]})
        self.assertIsNone(self.status(instance, "?showInput=false").json()["input"])
        self.assertNotIn("historyEvents", answer.json())
        self.expect(404, "GET", "/instances/nobody")
        self.expect(404, "GET", "/instances/@e@k")
        self.expect(404, "GET", f"/instances/{instance}?taskHub=other")
        for query in ("showInput=maybe", "showHistory=1", "showHistoryOutput=x", "returnInternalServerErrorOnFailure=x"):
            self.expect(400, "GET", f"/instances/{instance}?{query}")
        failed = self.start("rewindable", "status")["id"]
        self.end(failed, "Failed")
        self.assertEqual(self.status(failed, "?returnInternalServerErrorOnFailure=true").status, 500)
        self.assertEqual(self.status(self.ended(), "?returnInternalServerErrorOnFailure=true").status, 200)

    def test_history(self):
        instance = self.start("history", 5)["id"]
        self.expect(202, "POST", f"/instances/{instance}/raiseEvent/go", '"now"', JSON)
        self.end(instance)
        rows = self.status(instance, "?showHistory=true&showHistoryOutput=true").json()["historyEvents"]
        by_type = {}
        for row in rows:
            by_type.setdefault(row["EventType"], row)
            self.assertRegex(row["Timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
            self.assertFalse({"EventId", "TaskScheduledId", "TimerId", "Version", "Tags"} & set(row))
        self.assertEqual(sorted(row["EventType"] for row in rows),
                         ["EventRaised", "ExecutionCompleted", "ExecutionStarted", "SubOrchestrationInstanceCompleted", "TaskCompleted",
                          "TaskFailed", "TimerCreated", "TimerFired"])
        self.assertEqual(by_type["ExecutionStarted"]["FunctionName"], "history")
        self.assertEqual(by_type["ExecutionStarted"]["Input"], 5)
        done = by_type["TaskCompleted"]
        self.assertEqual((done["FunctionName"], done["Input"], done["Result"]), ("double", 5, 10))
        self.assertLessEqual(done["ScheduledTime"], done["Timestamp"])
        self.assertEqual(by_type["SubOrchestrationInstanceCompleted"]["FunctionName"], "doubles")
        self.assertEqual((by_type["EventRaised"]["Name"], by_type["EventRaised"]["Input"]), ("go", "now"))
        self.assertIn("not yet", by_type["TaskFailed"]["Reason"])
        self.assertIn("FireAt", by_type["TimerFired"])
        self.assertEqual(by_type["ExecutionCompleted"]["OrchestrationStatus"], "Completed")
        self.assertEqual(by_type["ExecutionCompleted"]["Result"], [10, "now"])
        plain = self.status(instance, "?showHistory=true&showInput=false").json()["historyEvents"]
        self.assertFalse([row for row in plain if "Result" in row or "Input" in row])

    def test_list_in_pages(self):
        hub = "taskHub=listing"
        for number in range(7):
            self.expect(202, "POST", f"/orchestrators/nobodys/l{number}?{hub}", str(number))
        found, token = [], None
        for _ in range(4):
            answer = self.expect(200, "GET", f"/instances?{hub}&top=3", headers={"x-ms-continuation-token": token} if token else {})
            found += answer.json()
            token = answer.headers["x-ms-continuation-token"]
            if not token:
                break
        self.assertEqual(sorted((one["instanceId"], one["input"]) for one in found), [(f"l{n}", n) for n in range(7)])
        self.assertEqual(len(self.expect(200, "GET", f"/instances?{hub}&instanceIdPrefix=l3").json()), 1)
        self.assertEqual(len(self.expect(200, "GET", f"/instances?{hub}&runtimeStatus=Pending,running&runtimeStatus=Failed").json()), 7)
        self.assertEqual(self.expect(200, "GET", f"/instances?{hub}&runtimeStatus=Completed").json(), [])
        self.assertEqual(self.expect(200, "GET", f"/instances?{hub}&createdTimeTo=2020-01-01").json(), [])
        self.assertEqual(len(self.expect(200, "GET", f"/instances?{hub}&createdTimeFrom=2020-01-01T00:00:00Z").json()), 7)
        self.assertTrue(all(one["input"] is None for one in self.expect(200, "GET", f"/instances?{hub}&showInput=false").json()))
        self.assertEqual(self.expect(200, "GET", "/instances?taskHub=empty").json(), [])
        for query in ("top=0", "top=x", "runtimeStatus=Dancing", "createdTimeFrom=yesterday", "createdTimeTo=x", "showInput=x"):
            self.expect(400, "GET", f"/instances?{hub}&{query}")
        self.expect(400, "GET", f"/instances?{hub}", headers={"x-ms-continuation-token": "foreign"})

    def test_purge(self):
        instance = self.ended()
        self.assertEqual(self.expect(200, "DELETE", f"/instances/{instance}").json(), {"instancesDeleted": 1})
        self.expect(404, "DELETE", f"/instances/{instance}")
        waiting = self.start("waits")["id"]
        self.assertEqual(self.expect(200, "DELETE", f"/instances/{waiting}").json(), {"instancesDeleted": 0})
        hub = "taskHub=purging"
        for number in range(3):
            self.expect(202, "POST", f"/orchestrators/nobodys/p{number}?{hub}")
        since = f"{hub}&createdTimeFrom=2020-01-01"
        self.expect(404, "DELETE", f"/instances?{since}")  # all run
        for number in range(3):
            self.expect(202, "POST", f"/instances/p{number}/terminate?{hub}")
        self.expect(400, "DELETE", f"/instances?{hub}")
        self.expect(400, "DELETE", f"/instances?{hub}&createdTimeFrom=x")
        self.expect(404, "DELETE", f"/instances?{since}&createdTimeTo=2020-01-02")
        self.expect(404, "DELETE", f"/instances?{since}&runtimeStatus=Completed")
        gone = self.expect(200, "DELETE", f"/instances?{since}&runtimeStatus=Completed,Terminated").json()
        self.assertEqual(gone, {"instancesDeleted": 3})
        self.assertEqual(self.expect(200, "GET", f"/instances?{hub}").json(), [])

    def test_events(self):
        instance = self.start("waits")["id"]
        route = f"/instances/{instance}/raiseEvent/go"
        self.expect(400, "POST", route, "1")
        self.expect(400, "POST", route, "1", {"Content-Type": "text/plain"})
        self.expect(400, "POST", route, "{", JSON)
        self.expect(400, "POST", route, "", JSON)
        self.expect(400, "POST", f"/instances/{instance}/raiseEvent/" + "x" * 600, "1", JSON)
        self.expect(404, "POST", "/instances/nobody/raiseEvent/go", "1", JSON)
        self.expect(202, "POST", route, "[1, 2]", {"Content-Type": "application/json; charset=utf-8"})
        self.assertEqual(self.end(instance)["output"], [1, 2])
        self.expect(410, "POST", route, "1", JSON)

    def test_terminate_suspend_resume(self):
        instance = self.start("waits")["id"]
        self.expect(202, "POST", f"/instances/{instance}/suspend?reason=lunch")
        self.until("never suspended", lambda: self.status(instance).json()["runtimeStatus"] == "Suspended")
        self.expect(202, "POST", f"/instances/{instance}/resume")
        self.until("never resumed", lambda: self.status(instance).json()["runtimeStatus"] != "Suspended")
        self.expect(202, "POST", f"/instances/{instance}/terminate?reason=it%20is%20%22enough%22")
        self.assertEqual(self.end(instance, "Terminated")["output"], 'it is "enough"')
        for verb in ("terminate", "suspend", "resume"):
            self.expect(410, "POST", f"/instances/{instance}/{verb}")
            self.expect(404, "POST", f"/instances/nobody/{verb}")
            self.expect(400, "POST", f"/instances/{instance}/{verb}?reason=" + "x" * 17000)

    def test_rewind(self):
        key = uuid.uuid4().hex
        instance = self.start("rewindable", key)["id"]
        self.end(instance, "Failed")
        mended.add(key)
        self.expect(202, "POST", f"/instances/{instance}/rewind?reason=mended")
        self.assertEqual(self.end(instance)["output"], "done")
        self.expect(410, "POST", f"/instances/{instance}/rewind")
        self.expect(400, "POST", f"/instances/{self.start('waits')['id']}/rewind")
        self.expect(404, "POST", "/instances/nobody/rewind")

    def test_restart(self):
        instance = self.ended()
        other = self.expect(202, "POST", f"/instances/{instance}/restart").json()["id"]
        self.assertNotEqual(other, instance)
        self.assertEqual((self.end(other)["input"], self.end(other)["output"]), (1, 2))
        same = self.expect(200, "POST", f"/instances/{instance}/restart?restartWithNewInstanceId=false&timeout=30")
        self.assertEqual(same.json(), 2)
        running = self.start("waits")["id"]
        self.expect(409, "POST", f"/instances/{running}/restart?restartWithNewInstanceId=false")
        self.expect(400, "POST", f"/instances/{instance}/restart?restartWithNewInstanceId=maybe")
        self.expect(400, "POST", "/instances/nobody/restart")

    def test_other_routes(self):
        self.expect(200, "POST", "/makeprimary")
        for method, route in (("GET", ""), ("PUT", "/instances/a"), ("POST", "/instances/a"), ("GET", "/orchestrators/doubles"),
                              ("POST", "/instances/a/dance"), ("DELETE", "/makeprimary")):
            self.expect(404, method, route)
        old = self.call("POST", "/orchestrators/doubles", "1", base="/admin/extensions/DurableTaskExtension")
        self.assertEqual(old.status, 202)
        self.assertIn("/admin/extensions/DurableTaskExtension/instances/", old.json()["statusQueryGetUri"])

    def test_other_connections_are_kept(self):
        self.assertIn("taskHub=default&connection=Mine&code=k%26",
                      self.expect(202, "POST", "/orchestrators/doubles?connection=Mine&code=k%26", "1").json()["statusQueryGetUri"])


class AuthenticationTest(unittest.TestCase):
    def test_callers_bring_the_key(self):
        with Server() as server:
            url, key = server.url + BASE, server.ready["secret_access_key"]
            for query, headers in (("", {}), ("?code=", {}), ("?code=wrong", {}), ("?code=" + key[:-1], {}),
                                   ("", {"x-functions-key": "wrong"})):
                answer = send(f"{url}/orchestrators/any{query}", "POST", headers=headers)
                self.assertEqual(answer.status, 401)
                self.assertTrue(answer.json()["Message"])
            self.assertEqual(send(f"{url}/nothing").status, 401)
            answer = send(f"{url}/orchestrators/any?CODE=" + urllib.parse.quote(key, safe=""), "POST")
            self.assertEqual(answer.status, 202)
            self.assertEqual(send(answer.json()["statusQueryGetUri"]).status, 202)
            links = send(f"{url}/orchestrators/any", "POST", headers={"x-functions-key": key}).json()
            self.assertEqual(send(links["statusQueryGetUri"]).status, 202)


class StopTest(unittest.TestCase):
    def test_a_stop_answers_those_who_wait(self):
        server = Server(arguments=["--no-auth"]).start()
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(send(f"{server.url}{BASE}/orchestrators/any/one?timeout=600", "POST")))
        url = server.url
        waiting.start()
        deadline = time.monotonic() + 30
        while send(f"{url}{BASE}/instances/one").status != 202 and time.monotonic() < deadline:
            time.sleep(0.02)
        began = time.monotonic()
        server.stop()
        waiting.join()
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(answers[0].status, 202)


if __name__ == "__main__":
    unittest.main(verbosity=2)
