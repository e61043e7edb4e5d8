#!/usr/bin/env python3
"""The command line as people and programs use it: every command as a process against a running server, in text, with
--json, and `watch` on a pseudo-terminal. cli_test.py [TEST...] runs only these.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_examples import BOOTSTRAP, FAILED, FAILING, PASSING, QUICK, RESTING, SLEEPING, machine
from server import Server
from terminal import Terminal

SECONDS = 20  # within which anything here has to happen


class Cli:
    def __init__(self, server, work):
        self.server, self.work = server, work

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TANDEM_"))}
        return {**kept, "TANDEM_READY_FILE": str(self.server.ready_file), **more}

    def command(self, *arguments):
        return [self.server.tandem, *map(str, arguments)]

    def run(self, *arguments, status=0, environment=None, **more):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=SECONDS, cwd=self.work,
                              env=environment or self.environment(), **more)
        assert done.returncode == status, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "\x1b" not in done.stdout + done.stderr, f"{arguments} colours what is no terminal: {done.stdout}"
        return done

    def text(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.stderr == "", done.stderr
        return done.stdout

    def json(self, *arguments, **more):
        return json.loads(self.text(*arguments, "--json", **more))

    def refused(self, *arguments, status=1, says, **more):
        """The same words for people and, as JSON, for programs; nothing on standard output."""
        done = self.run(*arguments, status=status, **more)
        assert done.stdout == "" and done.stderr.startswith("tandem: ") and says in done.stderr, (done.stdout, done.stderr)
        done = self.run(*arguments, "--json", status=status, **more)
        assert done.stdout == "" and (status == 2 or says in json.loads(done.stderr)["message"]), (done.stdout, done.stderr)

    def write(self, name, content, mode=0o644):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
        path.chmod(mode)
        return path

    def until(self, condition, *arguments):
        deadline = time.monotonic() + SECONDS
        while not condition(found := self.json(*arguments)):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found


def has(text, *parts):
    for part in parts:
        assert part in text, f"no {part!r} in:\n{text}"


def test_usage(cli):
    has(cli.text("--help"), "function", "workflow", "start", "watch", "history", "logs", "ls", "explain", "jsonata", "Exit status", "--json")
    for command in ("function deploy", "function invoke", "workflow deploy", "start", "stop", "watch", "history", "logs", "ls", "explain", "jsonata", "serve"):
        has(cli.text(*command.split(), "--help"), "Usage: tandem " + command)
    has(cli.text("--version"), "tandem ")
    for wrong in ([], ["nonsense"], ["function", "nonsense"], ["ls", "--nonsense"], ["start"], ["ls", "--status", "ODD"], ["jsonata"]):
        done = cli.run(*wrong, status=2)
        assert done.stdout == "" and done.stderr.startswith("tandem: "), done
    has(cli.run("nonsense", status=2).stderr, "nonsense")


def test_jsonata(cli):
    document = cli.write("order.json", json.dumps({"items": [{"price": 1.5}, {"price": 2}]}))
    assert cli.text("jsonata", "$sum(items.price)", document) == "3.5\n"
    assert cli.json("jsonata", "items[1]", document) == {"price": 2}
    assert cli.text("jsonata", "1 + 2", input="") == "3\n"
    assert cli.text("jsonata", "nothing", input="{}") == ""
    cli.refused("jsonata", "1 +", document, says="Unexpected end of expression")
    cli.refused("jsonata", "a", "absent.json", says="absent.json")
    cli.refused("jsonata", "a", input="{", says="line 1, column 2")
    lines = ['{"expr": "a + $b", "input": {"a": 1}, "bindings": {"b": 2}}', "no JSON", '{"input": 1}', '{"expr": "$"}',
             '{"expr": "($f := function() { $f() + 1 }; $f())", "depth": 50}',
             '{"expr": "($f := function() { $f() }; $f())", "timelimit": 100}', '{"expr": "1 + \\"x\\""}', '{"expr": "2"}']
    answers = [json.loads(line) for line in cli.text("jsonata", "--json-lines", input="\n".join(lines)).splitlines()]
    assert [answer.get("error") for answer in answers] == [None, "BadLine", "BadLine", None, "U1001", "U1001", "T2002", None], answers
    assert answers[0] == {"result": 3} and answers[3] == {"undefined": True} and answers[7] == {"result": 2}, answers


def test_connection(cli):
    cli.refused("ls", "--endpoint", "http://127.0.0.1:1", status=3, says="is `tandem serve` running?")
    cli.refused("ls", "--endpoint", "nonsense", says="nonsense")
    cli.refused("ls", "--ready-file", "absent.json", says="absent.json")
    cli.refused("ls", "--credentials", "absent", says="absent")
    bare = {"TANDEM_READY_FILE": "", "TANDEM_ENDPOINT": cli.server.url}
    cli.refused("ls", says="no access key", environment=cli.environment(**bare))
    wrong = cli.environment(AWS_ACCESS_KEY_ID="AKIAWRONG", AWS_SECRET_ACCESS_KEY="x", **bare)
    cli.refused("ls", says="key AKIAWRONG from AWS_ACCESS_KEY_ID", environment=wrong)
    cli.json("ls", environment=cli.server.variables())  # as any AWS client is pointed at the server


def test_function(cli):
    cli.write("quick/lambda_function.py", QUICK)
    cli.write("failing/app.py", FAILING)
    cli.write("native/bootstrap", BOOTSTRAP)
    has(cli.text("function", "deploy", "quick"), "created ", ":function:quick", "python3", "lambda_function.lambda_handler")
    has(cli.text("function", "deploy", "quick"), "unchanged ")
    cli.write("quick/more.txt", "x")
    has(cli.text("function", "deploy", cli.work / "quick/"), "updated ")
    found = cli.json("function", "deploy", "failing", "--timeout", "9", "--env", "ONE=1", "--env", "TWO=a=b", "--memory", "256")
    assert found["Handler"] == "app.handler" and found["created"] and found["Timeout"] == 9 and found["MemorySize"] == 256, found
    assert found["Environment"]["Variables"] == {"ONE": "1", "TWO": "a=b"}, found
    found = cli.json("function", "deploy", "failing", "--timeout", "10")
    assert (found["created"], found["changed"], found["MemorySize"]) == (False, True, 256), found  # the rest stays
    cli.refused("function", "deploy", "native", says="not executable")
    (cli.work / "native/bootstrap").chmod(0o755)
    has(cli.text("function", "deploy", "native"), "provided.al2023")
    cli.write("node/index.mjs", "export const handler = async (event) => event;")
    cli.write("node/function.json", {"FunctionName": "from-file", "Description": "said in the file"})
    assert cli.json("function", "deploy", "node", "--runtime", "nodejs22.x")["FunctionName"] == "from-file"
    cli.write("empty/readme.txt", "x")
    cli.refused("function", "deploy", "empty", says="holds no function")
    cli.refused("function", "deploy", "absent", says="absent is not a directory")
    cli.refused("function", "deploy", "quick", "--handler", "other.f", says="names no file")
    cli.refused("function", "deploy", "quick", "--runtime", "ruby3.3", "--handler", "a.b", says="ruby3.3")
    cli.refused("function", "deploy", "quick", "--env", "NOVALUE", says="NAME=VALUE")
    cli.write("grün/lambda_function.py", QUICK)
    cli.refused("function", "deploy", "grün", says="--name")
    has(cli.text("function", "deploy", "grün", "--name", "green"), ":function:green")


def test_invoke_and_logs(cli):
    assert cli.json("function", "invoke", "native", "--payload", '{"a":1}') == {"native": {"a": 1}}
    assert json.loads(cli.text("function", "invoke", "quick", "-p", "-", input='{"mark":"m1"}')) == {"n": 1}
    done = cli.run("function", "invoke", "failing", status=1)
    assert json.loads(done.stdout)["errorType"] == "ValueError"
    has(done.stderr, "ValueError")
    cli.refused("function", "invoke", "absent", says="absent")
    has(cli.text("logs", "quick"), "'mark': 'm1'")
    has(cli.json("logs", "failing")["log"], "about to fail", "Traceback")
    cli.refused("logs", "absent", says="absent")
    follower = subprocess.Popen(cli.command("logs", "quick", "--follow", "--json"), stdout=subprocess.PIPE, text=True, env=cli.environment())
    first = json.loads(follower.stdout.readline())
    cli.run("function", "invoke", "quick", "-p", '{"mark":"m2"}')
    second = json.loads(follower.stdout.readline())
    follower.send_signal(signal.SIGINT)
    assert follower.wait(SECONDS) == 130
    assert "'mark': 'm1'" in first["log"] and "'mark': 'm2'" in second["log"] and "'mark': 'm1'" not in second["log"], (first, second)


def test_workflow(cli):
    for name, definition in (("resting", RESTING), ("passing", PASSING), ("failed", FAILED), ("sleeping", SLEEPING)):
        path = cli.write(name + ".asl.json", definition)
        has(cli.text("workflow", "deploy", path), "created ", ":stateMachine:" + name)
    has(cli.text("workflow", "deploy", path), "unchanged ")
    cli.write("sleeping.asl.json", {**SLEEPING, "Comment": "new"})
    found = cli.json("workflow", "deploy", path)
    assert (found["created"], found["changed"]) == (False, True), found
    long_name = "ü" + "n" * 60
    has(cli.text("workflow", "deploy", path, "--name", long_name), long_name)
    cli.refused("workflow", "deploy", "absent.json", says="cannot read absent.json")
    cli.refused("workflow", "deploy", cli.work, says="is a directory")
    cli.refused("workflow", "deploy", cli.write("bad.json", '{"StartAt": 1,}'), says="bad.json: InvalidDefinition")
    cli.refused("workflow", "deploy", cli.write("odd.json", machine(("A", {"Type": "Pass"}), ("A2", {"Type": "Odd"}))), says="odd.json: InvalidDefinition")
    has(cli.text("ls", "workflows"), long_name, "passing")


def test_start_and_watch_in_a_pipe(cli):
    text = cli.text("start", "passing", "--watch", "--name", "p1")
    has(text, "Sweep  [█", "] 3/3", "Caught  failed: ValueError: not today", "Nested[1]/Tick  timer, due in ", "passing/p1  SUCCEEDED",
        "Nested       Parallel [████████████████████] 2/2 branches", "1 failed attempt: ValueError, caught", "Ende gut 終", "(5,002 bytes)")
    lines = [json.loads(line) for line in cli.text("watch", "passing/p1", "--json").splitlines()]
    assert lines[0]["execution"]["name"] == "p1" and lines[-1]["execution"]["status"] == "SUCCEEDED"
    assert [line["event"]["id"] for line in lines[1:-1]] == list(range(1, len(lines) - 1))
    text = cli.text("start", "failed", "--input", '{"items":[1]}', "--watch", status=1)
    has(text, "✘ Fan", "1 failed", "ValueError in Fan[0]/Bad", "  not today", "app.py")
    arn = cli.text("start", "sleeping", "--input", "@" + str(cli.write("input.json", {"a": 1}))).strip()
    assert cli.json("explain", arn)["input"] == '{"a": 1}'
    assert cli.json("start", "sleeping", "--name", "grün-終")["executionArn"].endswith(":grün-終")
    cli.refused("start", "absent", says="no workflow named absent")
    cli.refused("start", "sleeping", "--input", "{bad", says="InvalidExecutionInput")
    cli.refused("start", "sleeping", "--input", "@absent", says="cannot read absent")
    cli.refused("start", "passing", "--name", "p1", "--input", '{"other":1}', says="ExecutionAlreadyExists")
    for command in ("watch", "history", "explain", "stop"):
        cli.refused(command, "passing/absent", says="ExecutionDoesNotExist")
        cli.refused(command, "arn:odd", says="arn:odd")
    cli.refused("watch", "resting", says="has no executions")


def test_express(cli):
    path = cli.write("quickly.asl.json", machine(("P", {"Type": "Pass", "Parameters": {"got.$": "$.a"}})))
    has(cli.text("workflow", "deploy", path, "--express"), "created ", ":stateMachine:quickly")
    has(cli.text("workflow", "deploy", path, "--express"), "unchanged ")
    has(cli.text("ls", "workflows"), "quickly", "EXPRESS")
    assert json.loads(cli.text("start", "quickly", "--input", '{"a": 1}')) == {"got": 1}
    assert cli.json("start", "quickly", "--input", '{"a": 1}')["status"] == "SUCCEEDED"
    failed = cli.run("start", "quickly", status=1)
    assert failed.stdout == "", failed.stdout
    has(failed.stderr, "the execution is FAILED: States.Runtime", "$.a")
    assert cli.json("start", "quickly", status=1)["error"] == "States.Runtime"
    cli.refused("ls", "quickly", says="StateMachineTypeNotSupported")
    cli.refused("workflow", "deploy", cli.write("passing2.asl.json", PASSING), "--name", "passing", "--express", says="type cannot be changed")
    cli.json("ls", "executions")


def resting(cli, name):
    """Starts an execution and waits until nothing moves in it any more."""
    cli.text("start", "resting", "--name", name)
    return cli.until(lambda e: [w["for"] for w in e["waiting"]] == ["timer", "retry"], "explain", "resting/" + name)


def test_explain_and_history(cli):
    timer, retry = resting(cli, "e1")["waiting"]
    assert timer["path"] == "Both[1]/Later" and retry["path"] == "Both[2]/Flaky", (timer, retry)
    assert retry["error"] == "ValueError" and "not today" in retry["cause"] and retry["failedAttempts"] == 1 and "due" in retry, retry
    text = cli.text("explain", "resting")
    has(text, "resting/e1  RUNNING for", "Both[1]/Later  timer, due in 9 min", "attempt 2 in 4 min", "after ValueError", "not today", "times out in 5")
    text = cli.text("history", "resting/e1")
    has(text, "Both[0]/Sweep[199]/Train", "MapIterationStarted", "LambdaFunction" if "LambdaFunction" in text else "TaskFailed", "length=200")
    events = cli.json("history", "resting/e1")
    assert len(text.splitlines()) == len(events) + 2 and events[0]["type"] == "ExecutionStarted"
    assert cli.json("history", "resting/e1", "--reverse")[0]["id"] == len(events)
    has(cli.text("history", "passing/p1", "--full"), "x" * 5000)
    assert "x" * 100 not in cli.text("history", "passing/p1")
    has(cli.text("explain", "failed"), "FAILED after", "ValueError in Fan[0]/Bad", "not today")
    assert cli.json("explain", "failed")["failure"]["path"] == "Fan[0]/Bad"
    has(cli.text("stop", "resting/e1", "--error", "Enough", "--cause", "of this"), "is ABORTED")
    has(cli.text("explain", "resting/e1"), "ABORTED after", "Enough", "of this")
    has(cli.text("stop", "passing/p1"), "is SUCCEEDED")  # it had ended before


def test_ls(cli):
    has(cli.text("ls"), "FUNCTION", "quick", "provided.al2023", "WORKFLOW", "passing")
    both = cli.json("ls")
    assert {"quick", "failing", "native"} <= {f["FunctionName"] for f in both["functions"]} and len(both["workflows"]) >= 4
    has(cli.text("ls", "passing"), "passing/p1", "SUCCEEDED")
    assert [e["status"] for e in cli.json("ls", "executions", "--status", "FAILED")] == ["FAILED"]
    starts = [e["startDate"] for e in cli.json("ls", "executions")]
    assert starts == sorted(starts, reverse=True) and len(starts) >= 4 and len(cli.json("ls", "executions", "--limit", "2")) == 2
    has(cli.text("ls", "sleeping", "--status", "TIMED_OUT"), "no executions")
    cli.refused("ls", "absent", says="no workflow named absent")


def test_watch_on_a_terminal(cli):
    with Terminal(cli.command("start", "resting", "--name", "t1", "--watch"), 100, 30, cli.environment()) as terminal:
        text = terminal.wait_for(lambda text: "200/200" in text and "attempt 2 in" in text)
        has(text, "resting/t1  RUNNING", "times out in", "● Both", "1/3 branches", "✔ Sweep", "· Done", "due in 9 min", "after ValueError")
        bars = {line.split("] ")[1].split("/")[0] for seen in terminal.seen for line in seen.splitlines() if " Sweep " in line and "] " in line}
        assert len(bars) > 2, f"the bar of the Map jumped: {bars}"
        terminal.press("typed")  # is not drawn
        for columns, rows in ((60, 9), (40, 5), (200, 50)):
            assert terminal.screen.misfits == []
            terminal.resize(columns, rows)
            frames = terminal.screen.frames + 2  # one may have been drawn for the old size
            terminal.wait_for(lambda text: terminal.screen.frames >= frames)
            terminal.screen.misfits.clear()
            text = terminal.wait_for(lambda text: terminal.screen.frames > frames + 1)
            has(text, "resting/t1", "Both")
            assert "typed" not in text, text
        assert terminal.screen.misfits == []
        assert "not shown" not in text and any("not shown" in seen for seen in terminal.seen)
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert terminal.is_as_before() and terminal.screen.colours
        has(terminal.screen.text(), "resting/t1 goes on; `tandem watch resting/t1`")
    plain = cli.environment(NO_COLOR="1")
    with Terminal(cli.command("watch", "resting/t1"), 60, 20, plain) as terminal:
        terminal.wait_for(lambda text: "attempt 2 in" in text)
        cli.text("stop", "resting/t1")
        assert terminal.wait() == 1 and terminal.is_as_before() and not terminal.screen.colours
        has(terminal.screen.text(), "resting/t1  ABORTED", "✘ Both", "✔ Sweep", "· Done")
    with Terminal(cli.command("history", "resting/t1"), 60, 20, cli.environment()) as terminal:
        assert terminal.wait() == 0
        assert all(len(line) <= 60 for line in terminal.screen.text().splitlines()[1:]), terminal.screen.text()


def test_watch_outlives_the_server(cli):
    cli.text("start", "sleeping", "--name", "s1")
    watcher = subprocess.Popen(cli.command("watch", "sleeping/s1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment())
    has(watcher.stdout.readline(), "Sleep  started")
    cli.server.kill()
    cli.server.start()  # on another port
    out, err = watcher.communicate(timeout=SECONDS)
    assert watcher.returncode == 0, (out, err)
    has(out, "sleeping/s1  SUCCEEDED")


def test_readers_that_go_away(cli):
    for restore in (True, False):  # with and without SIGPIPE
        process = subprocess.Popen(cli.command("history", "resting/t1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cli.environment(),
                                   restore_signals=restore)
        process.stdout.read(1)
        process.stdout.close()
        assert process.wait(SECONDS) in (1, -signal.SIGPIPE) and process.stderr.read() == b"", process.returncode
        process.stderr.close()
    with open("/dev/full", "w") as full:
        done = subprocess.run(cli.command("ls"), stdout=full, stderr=subprocess.PIPE, text=True, env=cli.environment(), timeout=SECONDS)
    assert done.returncode == 1 and "cannot write" in done.stderr, done


def main():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    with tempfile.TemporaryDirectory(prefix="tandem-cli-") as work, Server() as server:
        cli = Cli(server, pathlib.Path(work))
        for name in sys.argv[1:] or tests:
            began = time.monotonic()
            tests[name](cli)
            print(f"{name} ok, {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
