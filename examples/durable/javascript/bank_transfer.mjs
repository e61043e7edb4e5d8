// Two accounts locked together, so that a transfer is seen whole or not at all: bank_transfer.mjs HOST:PORT
import { randomUUID } from "node:crypto";
import { EntityInstanceId, TaskEntity, withHub } from "./hub.mjs";

class Account extends TaskEntity {
  initializeState() {
    return 0;
  }
  deposit(amount) {
    this.state += amount;
  }
  withdraw(amount) {
    this.state -= amount;
  }
  balance() {
    return this.state;
  }
}

const transfer = async function* transfer(ctx, { from, to, amount }) {
  const [source, target] = [from, to].map((key) => new EntityInstanceId("account", key));
  const lock = yield ctx.entities.lockEntities(source, target);
  try {
    if ((yield ctx.entities.callEntity(source, "balance")) < amount) return "refused";
    yield ctx.entities.callEntity(source, "withdraw", amount);
    yield ctx.entities.callEntity(target, "deposit", amount);
  } finally {
    lock.release();
  }
  return "done";
};

await withHub(process.argv[2], { orchestrators: [transfer], entities: { account: () => new Account() } }, async (hub) => {
  const [alice, bob] = ["alice", "bob"].map((name) => `${name}-${randomUUID()}`);
  const accounts = [alice, bob].map((key) => new EntityInstanceId("account", key));
  for (const account of accounts) await hub.signalEntity(account, "deposit", 100);
  // All at the same time, and in both directions.
  const orders = [
    ...Array(5).fill({ from: alice, to: bob, amount: 10 }),
    ...Array(3).fill({ from: bob, to: alice, amount: 10 }),
    { from: alice, to: bob, amount: 1000 },
  ];
  const instances = await Promise.all(orders.map((order) => hub.scheduleNewOrchestration(transfer, order)));
  const ends = await Promise.all(instances.map((instance) => hub.waitForOrchestrationCompletion(instance, true, 60)));
  console.log(...ends.map((end) => end.serializedOutput));
  const [first, second] = await Promise.all(accounts.map(async (account) => (await hub.getEntity(account)).state));
  console.log(`alice ${first} bob ${second}`);
});
