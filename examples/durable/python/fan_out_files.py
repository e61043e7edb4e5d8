"""Activities at the same time, over real files: fan_out_files.py HOST:PORT [DIRECTORY]. Counts the words of every file."""
import json
import pathlib
import sys

from durabletask import client, task, worker

HERE = pathlib.Path(__file__).resolve().parents[1]


def list_files(ctx, directory):
    return sorted(str(path) for path in pathlib.Path(directory).rglob("*") if path.is_file())


def count_words(ctx, path):
    return len(pathlib.Path(path).read_text(errors="replace").split())


def fan_out_files(ctx, directory):
    paths = yield ctx.call_activity(list_files, input=directory)
    counts = yield task.when_all([ctx.call_activity(count_words, input=path) for path in paths])
    return {"files": len(paths), "words": sum(counts)}


address, directory = sys.argv[1], (sys.argv[2:] or [str(HERE)])[0]
with worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(fan_out_files)
    for activity in (list_files, count_words):
        mine.add_activity(activity)
    mine.start()
    hub = client.TaskHubGrpcClient(host_address=address)
    instance = hub.schedule_new_orchestration(fan_out_files, input=directory)
    result = json.loads(hub.wait_for_orchestration_completion(instance, timeout=60).serialized_output)
    print(f"{result['words']} words in {result['files']} files")
