// Looks again and again until a job is done, less often each time: monitor.mjs HOST:PORT. Every look is a new generation of the
// orchestration, so its history never grows.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withHub } from "./hub.mjs";

const isDone = async (ctx, path) => existsSync(path);

const monitor = async function* monitor(ctx, { path, looks }) {
  if (yield ctx.callActivity(isDone, path)) return `done, seen at look ${looks}`;
  ctx.setCustomStatus(`looked ${looks} times`);
  yield ctx.createTimer(Math.min(0.05 * looks, 1));
  ctx.continueAsNew({ path, looks: looks + 1 }, false);
};

const directory = mkdtempSync(join(tmpdir(), "monitor-"));
const path = join(directory, "result");
await withHub(process.argv[2], { orchestrators: [monitor], activities: [isDone] }, async (hub) => {
  setTimeout(() => writeFileSync(path, ""), 500); // the job
  const instance = await hub.scheduleNewOrchestration(monitor, { path, looks: 1 });
  console.log((await hub.waitForOrchestrationCompletion(instance, true, 60)).serializedOutput);
  rmSync(directory, { recursive: true });
});
