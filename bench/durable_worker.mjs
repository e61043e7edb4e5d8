// A worker of a JavaScript SDK for bench/durable.py: hello cities. durable_worker.mjs HOST:PORT
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.TANDEM_NODE_CLIENTS, "package.json"));
const { TaskHubGrpcWorker } = require("@microsoft/durabletask-js");
console.log = console.info = console.warn = () => {};

const hello = async (_, city) => `Hello ${city}!`;
const cities = async function* cities(ctx) {
  const greetings = [];
  for (const city of ["Tokyo", "Seattle", "London", "Paris", "Oslo"]) greetings.push(yield ctx.callActivity(hello, city));
  return greetings;
};

const worker = new TaskHubGrpcWorker(process.argv[2]);
worker.addOrchestrator(cities);
worker.addActivity(hello);
await worker.start();
