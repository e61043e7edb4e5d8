// An orchestration without an end, fed by events, that somebody terminates: eternal.mjs HOST:PORT
import { setTimeout as sleep } from "node:timers/promises";
import { OrchestrationStatus, withHub } from "./hub.mjs";

const READINGS = [3, 5, 8, 1];

const eternal = async function* eternal(ctx, { count, largest }) {
  const reading = yield ctx.waitForExternalEvent("reading");
  const state = { count: count + 1, largest: Math.max(largest, reading) };
  ctx.setCustomStatus(state);
  ctx.continueAsNew(state, true);
};

await withHub(process.argv[2], { orchestrators: [eternal] }, async (hub) => {
  const instance = await hub.scheduleNewOrchestration(eternal, { count: 0, largest: 0 });
  for (const reading of READINGS) await hub.raiseOrchestrationEvent(instance, "reading", reading);
  let status;
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    status = (await hub.getOrchestrationState(instance, true)).serializedCustomStatus;
    if (status && JSON.parse(status).count === READINGS.length) break;
  }
  console.log(status);
  await hub.terminateOrchestration(instance, "enough");
  const state = await hub.waitForOrchestrationCompletion(instance, true, 60);
  console.log(OrchestrationStatus[state.runtimeStatus], state.serializedOutput);
});
