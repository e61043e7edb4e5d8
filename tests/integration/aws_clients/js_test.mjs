// The whole way with the AWS SDK for JavaScript, version 3. The SDK is found in TANDEM_NODE_CLIENTS.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 as zlibCrc32 } from "node:zlib";

const require = createRequire(join(process.env.TANDEM_NODE_CLIENTS, "package.json"));
const lambda = require("@aws-sdk/client-lambda");
const sfn = require("@aws-sdk/client-sfn");

const ready = JSON.parse(readFileSync(process.env.TANDEM_READY_FILE, "utf8"));
const options = {
  endpoint: ready.aws,
  region: ready.region,
  maxAttempts: 1,
  credentials: { accessKeyId: ready.access_key_id, secretAccessKey: ready.secret_access_key },
};
const functions = new lambda.LambdaClient(options);
const workflows = new sfn.SFNClient(options);
// Otherwise StartSyncExecution is sent to "sync-" + the endpoint's host.
const synchronous = new sfn.SFNClient({ ...options, disableHostPrefix: true });

const called = new Set(); // actions of Step Functions: the tests call every one
for (const client of [workflows, synchronous]) {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args);
      called.add(context.commandName);
      return answer;
    },
    { step: "initialize", name: "calledActions" },
  );
}
const role = "arn:aws:iam::123456789012:role/test";

function crc32(bytes) {
  if (zlibCrc32) return zlibCrc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** A zip archive of one stored file. */
function zip(name, text) {
  const data = Buffer.from(text);
  const path = Buffer.from(name);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(0x21, 8); // 1980-01-01
  common.writeUInt32LE(crc32(data), 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(data.length, 18);
  common.writeUInt16LE(path.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, path, data]);
  const attributes = Buffer.alloc(14);
  attributes.writeUInt32LE((0o100644 << 16) >>> 0, 6);
  const madeBy = Buffer.from([20, 3]);
  const central = Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), madeBy, common, attributes, path]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

async function refused(name, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, name, error.message);
    assert.ok(error.$metadata.requestId);
    return true;
  });
}

async function testFunction(name) {
  const code = zip("index.js", "exports.handler = async (event) => {\n  if (event.fail) throw new TypeError('asked to fail');\n  return { doubled: event.n * 2 };\n};\n");
  const created = await functions.send(
    new lambda.CreateFunctionCommand({ FunctionName: name, Runtime: "nodejs20.x", Role: role, Handler: "index.handler", Code: { ZipFile: code }, Timeout: 10 }),
  );
  await lambda.waitUntilFunctionActiveV2({ client: functions, maxWaitTime: 30, minDelay: 1 }, { FunctionName: name });
  const reply = await functions.send(new lambda.InvokeCommand({ FunctionName: name, Payload: '{"n":21}', LogType: "Tail" }));
  assert.equal(reply.StatusCode, 200);
  assert.deepEqual(JSON.parse(reply.Payload.transformToString()), { doubled: 42 });
  assert.match(Buffer.from(reply.LogResult, "base64").toString(), /REPORT RequestId/);
  const failed = await functions.send(new lambda.InvokeCommand({ FunctionName: created.FunctionArn, Payload: '{"fail":true}' }));
  assert.equal(failed.FunctionError, "Unhandled");
  assert.equal(JSON.parse(failed.Payload.transformToString()).errorType, "TypeError");
  const queued = await functions.send(new lambda.InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: '{"n":1}' }));
  assert.equal(queued.StatusCode, 202);
  await functions.send(new lambda.UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 11 }));
  await lambda.waitUntilFunctionUpdatedV2({ client: functions, maxWaitTime: 30, minDelay: 1 }, { FunctionName: name });
  const version = await functions.send(new lambda.PublishVersionCommand({ FunctionName: name }));
  assert.equal(version.Version, "1");
  const names = [];
  for await (const page of lambda.paginateListFunctions({ client: functions, pageSize: 1 }, {})) names.push(...page.Functions.map((f) => f.FunctionName));
  assert.ok(names.includes(name));
  await refused("ResourceNotFoundException", functions.send(new lambda.InvokeCommand({ FunctionName: "nobody" })));
  await refused("InvalidRequestContentException", functions.send(new lambda.InvokeCommand({ FunctionName: name, Payload: "{" })));
  return created.FunctionArn;
}

async function testWorkflow(name, functionArn) {
  const definition = JSON.stringify({ StartAt: "Double", States: { Double: { Type: "Task", Resource: functionArn, End: true } } });
  const { stateMachineArn } = await workflows.send(new sfn.CreateStateMachineCommand({ name, definition, roleArn: role }));
  const { executionArn, startDate } = await workflows.send(new sfn.StartExecutionCommand({ stateMachineArn, input: '{"n":4}' }));
  assert.ok(Math.abs(startDate - Date.now()) < 60_000);
  let execution;
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
    execution = await workflows.send(new sfn.DescribeExecutionCommand({ executionArn }));
    if (execution.status !== "RUNNING") break;
  }
  assert.equal(execution.status, "SUCCEEDED", execution.cause);
  assert.deepEqual(JSON.parse(execution.output), { doubled: 8 });
  const events = [];
  for await (const page of sfn.paginateGetExecutionHistory({ client: workflows, pageSize: 2 }, { executionArn })) events.push(...page.events);
  assert.deepEqual(
    events.map((e) => e.type),
    ["ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"],
  );
  const listed = await workflows.send(new sfn.ListExecutionsCommand({ stateMachineArn, statusFilter: "SUCCEEDED" }));
  assert.deepEqual(listed.executions.map((e) => e.executionArn), [executionArn]);
  await refused("InvalidDefinition", workflows.send(new sfn.CreateStateMachineCommand({ name: name + "x", definition: "{}", roleArn: role })));
  await refused("StateMachineDoesNotExist", workflows.send(new sfn.StartExecutionCommand({ stateMachineArn: stateMachineArn + "x" })));
  await refused("InvalidExecutionInput", workflows.send(new sfn.StartExecutionCommand({ stateMachineArn, input: "nonsense" })));
  await workflows.send(new sfn.DeleteStateMachineCommand({ stateMachineArn }));
}

async function testExpress(name, functionArn) {
  const definition = JSON.stringify({ StartAt: "Double", States: { Double: { Type: "Task", Resource: functionArn, End: true } } });
  const { stateMachineArn } = await workflows.send(new sfn.CreateStateMachineCommand({ name, definition, roleArn: role, type: "EXPRESS" }));
  const ended = await synchronous.send(new sfn.StartSyncExecutionCommand({ stateMachineArn, input: '{"n":4}' }));
  assert.equal(ended.status, "SUCCEEDED", ended.cause);
  assert.deepEqual(JSON.parse(ended.output), { doubled: 8 });
  assert.ok(ended.stopDate >= ended.startDate);
  const failed = await synchronous.send(new sfn.StartSyncExecutionCommand({ stateMachineArn, input: '{"fail":true}' }));
  assert.deepEqual([failed.status, failed.error], ["FAILED", "TypeError"]);
  const { executionArn } = await workflows.send(new sfn.StartExecutionCommand({ stateMachineArn, input: '{"n":4}' }));
  assert.match(executionArn, /:express:/);
  await refused("StateMachineTypeNotSupported", workflows.send(new sfn.ListExecutionsCommand({ stateMachineArn })));
  await workflows.send(new sfn.DeleteStateMachineCommand({ stateMachineArn }));
}

async function testVersions(name) {
  const pass = (comment) => JSON.stringify({ Comment: comment, StartAt: "A", States: { A: { Type: "Wait", Seconds: 3600, End: true } } });
  const send = (command) => workflows.send(command);
  const made = await send(new sfn.CreateStateMachineCommand({ name, definition: pass("1"), roleArn: role, publish: true }));
  const { stateMachineArn, stateMachineVersionArn: one } = made;
  assert.equal(one, `${stateMachineArn}:1`);
  await send(new sfn.UpdateStateMachineCommand({ stateMachineArn, definition: pass("2") }));
  const { stateMachineVersionArn: two } = await send(new sfn.PublishStateMachineVersionCommand({ stateMachineArn }));
  const { stateMachineVersions } = await send(new sfn.ListStateMachineVersionsCommand({ stateMachineArn }));
  assert.deepEqual(stateMachineVersions.map((v) => v.stateMachineVersionArn), [two, one]);
  const routes = (arn) => [{ stateMachineVersionArn: arn, weight: 100 }];
  const { stateMachineAliasArn } = await send(new sfn.CreateStateMachineAliasCommand({ name: "live", routingConfiguration: routes(one) }));
  await send(new sfn.UpdateStateMachineAliasCommand({ stateMachineAliasArn, routingConfiguration: routes(two) }));
  const alias = await send(new sfn.DescribeStateMachineAliasCommand({ stateMachineAliasArn }));
  assert.deepEqual(alias.routingConfiguration, routes(two));
  const { executionArn } = await send(new sfn.StartExecutionCommand({ stateMachineArn: stateMachineAliasArn }));
  assert.equal((await send(new sfn.DescribeExecutionCommand({ executionArn }))).stateMachineVersionArn, two);
  const run = await send(new sfn.DescribeStateMachineForExecutionCommand({ executionArn }));
  assert.equal(run.definition, pass("2"));
  await send(new sfn.StopExecutionCommand({ executionArn }));
  const { redriveDate } = await send(new sfn.RedriveExecutionCommand({ executionArn }));
  const redriven = await send(new sfn.DescribeExecutionCommand({ executionArn }));
  assert.deepEqual([redriven.status, redriven.redriveCount, redriven.redriveDate], ["RUNNING", 1, redriveDate]);
  await refused("ExecutionNotRedrivable", send(new sfn.RedriveExecutionCommand({ executionArn })));
  await send(new sfn.StopExecutionCommand({ executionArn }));
  const { stateMachineAliases } = await send(new sfn.ListStateMachineAliasesCommand({ stateMachineArn }));
  assert.equal(stateMachineAliases.length, 1);
  await refused("ConflictException", send(new sfn.DeleteStateMachineVersionCommand({ stateMachineVersionArn: two })));
  await send(new sfn.DeleteStateMachineAliasCommand({ stateMachineAliasArn }));
  await refused("ResourceNotFound", send(new sfn.DescribeStateMachineAliasCommand({ stateMachineAliasArn })));
  await send(new sfn.DeleteStateMachineVersionCommand({ stateMachineVersionArn: two }));
  await send(new sfn.TagResourceCommand({ resourceArn: stateMachineArn, tags: [{ key: "a", value: "1" }, { key: "b", value: "2" }] }));
  await send(new sfn.UntagResourceCommand({ resourceArn: stateMachineArn, tagKeys: ["a"] }));
  const { tags } = await send(new sfn.ListTagsForResourceCommand({ resourceArn: stateMachineArn }));
  assert.deepEqual(tags, [{ key: "b", value: "2" }]);
  const valid = await send(new sfn.ValidateStateMachineDefinitionCommand({ definition: "{}" }));
  assert.deepEqual([valid.result, valid.diagnostics[0].severity], ["FAIL", "ERROR"]);
  const test = { definition: '{"Type": "Fail", "Error": "E"}', inspectionLevel: "DEBUG" };
  const tested = await synchronous.send(new sfn.TestStateCommand(test));
  assert.deepEqual([tested.status, tested.error, tested.inspectionData.input], ["FAILED", "E", "{}"]);
  const shown = await send(new sfn.DescribeStateMachineCommand({ stateMachineArn, includedData: "METADATA_ONLY" }));
  assert.equal(shown.definition, undefined);
  const { stateMachines } = await send(new sfn.ListStateMachinesCommand({}));
  assert.ok(stateMachines.some((m) => m.stateMachineArn === stateMachineArn));
  await send(new sfn.DeleteStateMachineCommand({ stateMachineArn }));
}

/** An activity's worker: its poll is open before there is a task. */
async function testWorker(name, activityArn) {
  const definition = JSON.stringify({ StartAt: "T", States: { T: { Type: "Task", Resource: activityArn, HeartbeatSeconds: 30, End: true } } });
  const { stateMachineArn } = await workflows.send(new sfn.CreateStateMachineCommand({ name, definition, roleArn: role }));
  const run = async (answer) => {
    const polled = workflows.send(new sfn.GetActivityTaskCommand({ activityArn, workerName: "js" }));
    const { executionArn } = await workflows.send(new sfn.StartExecutionCommand({ stateMachineArn, input: '{"n":4}' }));
    const { taskToken, input } = await polled;
    assert.deepEqual(JSON.parse(input), { n: 4 });
    await workflows.send(new sfn.SendTaskHeartbeatCommand({ taskToken }));
    await answer(taskToken);
    // Answered when that is durable, and then no more.
    await refused("TaskTimedOut", workflows.send(new sfn.SendTaskHeartbeatCommand({ taskToken })));
    return workflows.send(new sfn.DescribeExecutionCommand({ executionArn }));
  };
  const good = await run((taskToken) => workflows.send(new sfn.SendTaskSuccessCommand({ taskToken, output: "[1, 2]" })));
  assert.deepEqual([good.status, JSON.parse(good.output)], ["SUCCEEDED", [1, 2]]);
  const bad = await run((taskToken) => workflows.send(new sfn.SendTaskFailureCommand({ taskToken, error: "E", cause: "c" })));
  assert.deepEqual([bad.status, bad.error, bad.cause], ["FAILED", "E", "c"]);
  await refused("InvalidToken", workflows.send(new sfn.SendTaskSuccessCommand({ taskToken: "nonsense", output: "1" })));
  await workflows.send(new sfn.DeleteStateMachineCommand({ stateMachineArn }));
}

async function testActivities(name) {
  const { activityArn } = await workflows.send(new sfn.CreateActivityCommand({ name, tags: [{ key: "a", value: "1" }] }));
  const described = await workflows.send(new sfn.DescribeActivityCommand({ activityArn }));
  assert.equal(described.name, name);
  const { activities } = await workflows.send(new sfn.ListActivitiesCommand({}));
  assert.ok(activities.some((a) => a.activityArn === activityArn));
  await testWorker(name, activityArn);
  await workflows.send(new sfn.DeleteActivityCommand({ activityArn }));
  await refused("ActivityDoesNotExist", workflows.send(new sfn.DescribeActivityCommand({ activityArn })));
}

async function testMapRun(name) {
  const states = { W: { Type: "Wait", Seconds: 600, End: true } };
  const processor = { ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" }, StartAt: "W", States: states };
  const definition = JSON.stringify({ StartAt: "M", States: { M: { Type: "Map", ItemProcessor: processor, End: true } } });
  const { stateMachineArn } = await workflows.send(new sfn.CreateStateMachineCommand({ name, definition, roleArn: role }));
  const { executionArn } = await workflows.send(new sfn.StartExecutionCommand({ stateMachineArn, input: "[1,2]" }));
  let mapRuns = [];
  for (const deadline = Date.now() + 30_000; mapRuns.length === 0 && Date.now() < deadline; )
    ({ mapRuns } = await workflows.send(new sfn.ListMapRunsCommand({ executionArn })));
  const { mapRunArn } = mapRuns[0];
  await workflows.send(new sfn.UpdateMapRunCommand({ mapRunArn, maxConcurrency: 5, toleratedFailurePercentage: 12.5 }));
  const told = await workflows.send(new sfn.DescribeMapRunCommand({ mapRunArn }));
  assert.deepEqual([told.status, told.maxConcurrency, told.toleratedFailurePercentage, told.itemCounts.total], ["RUNNING", 5, 12.5, 2]);
  await workflows.send(new sfn.StopExecutionCommand({ executionArn }));
  await workflows.send(new sfn.DeleteStateMachineCommand({ stateMachineArn }));
}

/** All actions that the client knows. */
function actions() {
  return Object.keys(sfn).filter((key) => /^[A-Z]\w+Command$/.test(key)).map((key) => key.replace(/Command$/, ""));
}

const name = `js-${randomUUID().slice(0, 8)}`;
const functionArn = await testFunction(name);
await testWorkflow(name, functionArn);
await testExpress(`${name}-express`, functionArn);
await testVersions(`${name}-versions`);
await testActivities(`${name}-activity`);
await testMapRun(`${name}-map`);
await functions.send(new lambda.DeleteFunctionCommand({ FunctionName: name }));
await refused("ResourceNotFoundException", functions.send(new lambda.GetFunctionCommand({ FunctionName: name })));
const missing = actions().filter((action) => !called.has(`${action}Command`));
assert.deepEqual(missing, [], "no test had an answer of these");
console.log("js: ok");
