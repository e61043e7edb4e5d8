// Activities one after the other: hello_cities.mjs HOST:PORT
import { withHub } from "./hub.mjs";

const hello = async (ctx, city) => `Hello ${city}!`;

const helloCities = async function* helloCities(ctx) {
  const greetings = [];
  for (const city of ["Tokyo", "Seattle", "London", "Paris", "Oslo"]) greetings.push(yield ctx.callActivity(hello, city));
  return greetings;
};

await withHub(process.argv[2], { orchestrators: [helloCities], activities: [hello] }, async (hub) => {
  const instance = await hub.scheduleNewOrchestration(helloCities);
  console.log((await hub.waitForOrchestrationCompletion(instance, true, 60)).serializedOutput);
});
