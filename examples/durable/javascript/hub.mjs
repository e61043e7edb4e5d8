// What the examples share: the SDK, found beside them or in TANDEM_NODE_CLIENTS, a worker and a client.
import { createRequire } from "node:module";
import { join } from "node:path";

const from = process.env.TANDEM_NODE_CLIENTS;
const require = createRequire(from ? join(from, "package.json") : import.meta.url);
const sdk = require("@microsoft/durabletask-js");
export const { EntityInstanceId, OrchestrationStatus, TaskEntity, whenAll, whenAny } = sdk;

/** Runs `work` with a client, while a worker has these orchestrators, activities and entities. */
export async function withHub(address, { orchestrators, activities = [], entities = {} }, work) {
  const options = { hostAddress: address, logger: new sdk.NoOpLogger() };
  const worker = new sdk.TaskHubGrpcWorker(options);
  for (const orchestrator of orchestrators) worker.addOrchestrator(orchestrator);
  for (const activity of activities) worker.addActivity(activity);
  for (const [name, entity] of Object.entries(entities)) worker.addNamedEntity(name, entity);
  await worker.start();
  const client = new sdk.TaskHubGrpcClient(options);
  try {
    await work(client);
  } finally {
    await worker.stop();
    await client.stop();
  }
  process.exit(0); // whatever timers the SDK has left
}
