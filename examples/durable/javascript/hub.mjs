// What the examples share: the SDK, found beside them or in TANDEM_NODE_CLIENTS, a worker and a client.
import { createRequire } from "node:module";
import { join } from "node:path";

const from = process.env.TANDEM_NODE_CLIENTS;
const require = createRequire(from ? join(from, "package.json") : import.meta.url);
const { TaskHubGrpcClient, TaskHubGrpcWorker, NoOpLogger } = require("@microsoft/durabletask-js");
export const { OrchestrationStatus, whenAll, whenAny } = require("@microsoft/durabletask-js");

/** Runs `work` with a client, while a worker has these orchestrators and activities. */
export async function withHub(address, { orchestrators, activities = [] }, work) {
  const options = { hostAddress: address, logger: new NoOpLogger() };
  const worker = new TaskHubGrpcWorker(options);
  for (const orchestrator of orchestrators) worker.addOrchestrator(orchestrator);
  for (const activity of activities) worker.addActivity(activity);
  await worker.start();
  const client = new TaskHubGrpcClient(options);
  try {
    await work(client);
  } finally {
    await worker.stop();
    await client.stop();
  }
  process.exit(0); // whatever timers the SDK has left
}
