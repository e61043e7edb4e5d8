// The worker that durable_crash.py kills: node durable_crash.mjs HOST:PORT [PACKAGE]
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.TANDEM_NODE_CLIENTS, "package.json"));
const [address, name = "@microsoft/durabletask-js"] = process.argv.slice(2);
const isDapr = name === "@dapr/durabletask-js";
const { EntityInstanceId, TaskEntity, TaskHubGrpcWorker } = require(name);
const { whenAll } = require(isDapr ? name + "/task" : name);
// Dapr's SDK loses plain numbers when it writes them, and has no entities.
const wrapped = (number) => (isDapr ? { n: number } : number);
const plain = (value) => (typeof value === "object" ? value.n : value);

const range = (count) => Array.from({ length: count }, (_, number) => number);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

const double = async (_, number) => wrapped(plain(number) * 2);
const chain = async function* chain(ctx, length) {
  let total = 0;
  for (const number of range(plain(length))) total += plain(yield ctx.callActivity(double, wrapped(number)));
  return wrapped(total);
};
const fan = async function* fan(ctx, width) {
  const all = yield whenAll(range(width).map((number) => ctx.callActivity(double, wrapped(number))));
  return wrapped(sum(all.map(plain)));
};
const id = (ctx, number) => `${ctx.instanceId}-${number}`;
const family = async function* family(ctx, width) {
  const child = (number) => ctx.callSubOrchestrator(chain, wrapped(3), isDapr ? id(ctx, number) : { instanceId: id(ctx, number) });
  return wrapped(sum((yield whenAll(range(width).map(child))).map(plain)));
};
const counts = async function* counts(ctx, { left, sum }) {
  if (left === 0) return wrapped(sum);
  const more = plain(yield ctx.callActivity(double, wrapped(left)));
  ctx.continueAsNew({ left: left - 1, sum: sum + more }, false);
};
class Account extends (TaskEntity ?? Object) {
  initializeState() {
    return 0;
  }
  deposit(amount) {
    this.state += amount;
  }
  balance() {
    return this.state;
  }
}
const transfer = async function* transfer(ctx, keys) {
  const [source, target] = keys.map((key) => new EntityInstanceId("account", key));
  const lock = yield ctx.entities.lockEntities(source, target);
  const before = yield ctx.entities.callEntity(source, "balance");
  yield ctx.entities.callEntity(source, "deposit", -1);
  yield ctx.entities.callEntity(target, "deposit", 1);
  const after = yield ctx.entities.callEntity(source, "balance");
  lock.release();
  return before - after;
};
const waits = async function* waits(ctx) {
  return yield ctx.waitForExternalEvent("go");
};

// A worker that finds no server at its start never looks again: it ends, and is started anew.
const logger = { debug() {}, info() {}, warn() {}, error: (text) => text.startsWith("Worker error") && process.exit(1) };
const worker = isDapr ? new TaskHubGrpcWorker(address) : new TaskHubGrpcWorker({ hostAddress: address, logger });
for (const orchestrator of [chain, fan, family, counts, waits, transfer]) worker.addOrchestrator(orchestrator);
if (!isDapr) worker.addNamedEntity("account", () => new Account());
worker.addActivity(double);
await worker.start();
setInterval(() => {}, 60_000); // until it is killed
