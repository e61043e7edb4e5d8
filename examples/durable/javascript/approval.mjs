// A person answers, or a timer runs out: approval.mjs HOST:PORT [yes|no|silent]
import { whenAny, withHub } from "./hub.mjs";

const order = async (ctx, amount) => `ordered for ${amount}`;

const approval = async function* approval(ctx, amount) {
  const answer = ctx.waitForExternalEvent("approval");
  const timeout = ctx.createTimer(2);
  if ((yield whenAny([answer, timeout])) === timeout) return "nobody answered";
  if (!answer.getResult()) return "declined";
  return yield ctx.callActivity(order, amount);
};

const person = process.argv[3] ?? "yes";
await withHub(process.argv[2], { orchestrators: [approval], activities: [order] }, async (hub) => {
  const instance = await hub.scheduleNewOrchestration(approval, 1200);
  await hub.waitForOrchestrationStart(instance, false, 60);
  if (person !== "silent") await hub.raiseOrchestrationEvent(instance, "approval", person === "yes");
  console.log((await hub.waitForOrchestrationCompletion(instance, true, 60)).serializedOutput);
});
