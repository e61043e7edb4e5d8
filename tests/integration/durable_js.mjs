// Orchestrations of an unmodified JavaScript SDK: node durable_js.mjs PACKAGE HOST:PORT
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(join(process.env.TANDEM_NODE_CLIENTS, "package.json"));
const [name, address] = process.argv.slice(2);
const { TaskHubGrpcClient, TaskHubGrpcWorker } = require(name);
const { whenAll, whenAny } = require(name === "@dapr/durabletask-js" ? name + "/task" : name);
const COMPLETED = 1, FAILED = 3, TERMINATED = 5;
const SECONDS = 30;

const hello = async (_, city) => `Hello ${city}!`;
const double = async (_, { n }) => ({ n: n * 2 });  // the older SDK loses plain numbers
const fails = async () => {
  throw new Error("as ever");
};
const cities = async function* cities(ctx) {
  const greetings = [];
  for (const city of ["Tokyo", "Seattle", "London"]) greetings.push(yield ctx.callActivity(hello, city));
  return greetings;
};
const fanOut = async function* fanOut(ctx, { count }) {
  const all = yield whenAll(Array.from({ length: count }, (_, i) => ctx.callActivity(double, { n: i })));
  return { sum: all.reduce((sum, { n }) => sum + n, 0) };
};
const approval = async function* approval(ctx) {
  const answer = ctx.waitForExternalEvent("approval");
  const timeout = ctx.createTimer(60);
  const winner = yield whenAny([answer, timeout]);
  return winner === answer ? answer.getResult() : "timed out";
};
const timer = async function* timer(ctx) {
  yield ctx.createTimer(0.1);
  return "later";
};
const parent = async function* parent(ctx) {
  return yield ctx.callSubOrchestrator(fanOut, { count: 5 });
};
const counts = async function* counts(ctx, state) {
  if (state.left === 0) return { sum: state.sum };
  const more = yield ctx.callActivity(double, { n: state.left });
  ctx.continueAsNew({ left: state.left - 1, sum: state.sum + more.n }, true);
};
const unlucky = async function* unlucky(ctx) {
  yield ctx.callActivity(fails);
};
// Every SDK reads and writes values as JSON: what is absent, empty or false stays so.
const echo = async function* echo(_, input) {
  return input;
};

const worker = new TaskHubGrpcWorker(address);
for (const orchestrator of [cities, fanOut, approval, timer, parent, counts, unlucky, echo]) worker.addOrchestrator(orchestrator);
for (const activity of [hello, double, fails]) worker.addActivity(activity);
await worker.start();
const client = new TaskHubGrpcClient(address);

async function end(id, status = COMPLETED) {
  const state = await client.waitForOrchestrationCompletion(id, true, SECONDS);
  assert.equal(state.runtimeStatus, status, JSON.stringify(state));
  return state.serializedOutput === undefined ? undefined : JSON.parse(state.serializedOutput);
}
const run = async (orchestrator, input) => end(await client.scheduleNewOrchestration(orchestrator, input));

assert.deepEqual(await run(cities), ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]);
assert.deepEqual(await run(fanOut, { count: 50 }), { sum: 2450 });
assert.equal(await run(timer), "later");
assert.deepEqual(await run(parent), { sum: 20 });
assert.deepEqual(await run(counts, { left: 10, sum: 0 }), { sum: 110 });
// The older SDK takes numbers and what is false for absent.
const values = name === "@dapr/durabletask-js" ? ["ü", { a: [] }] : ["", 0, false, null, "ü", { a: [] }];
for (const value of values) assert.deepEqual(await run(echo, value), value);

const waiting = await client.scheduleNewOrchestration(approval);
await client.waitForOrchestrationStart(waiting, false, SECONDS);
await client.suspendOrchestration(waiting);
await client.resumeOrchestration(waiting);
await client.raiseOrchestrationEvent(waiting, "approval", "yes");
assert.equal(await end(waiting), "yes");

const failed = await client.scheduleNewOrchestration(unlucky);
await end(failed, FAILED);
const stopped = await client.scheduleNewOrchestration(approval);
await client.waitForOrchestrationStart(stopped, false, SECONDS);
await client.terminateOrchestration(stopped, "enough");
await end(stopped, TERMINATED);
await client.purgeOrchestration(stopped);
assert.equal(await client.getOrchestrationState(stopped, false), undefined);

await worker.stop();
await client.stop();
await sleep(10);
console.log("ok");
process.exit(0);
