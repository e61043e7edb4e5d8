"""Two accounts locked together, so that a transfer is seen whole or not at all: bank_transfer.py HOST:PORT"""
import sys
import uuid

from durabletask import client, entities, worker


class Account(entities.DurableEntity):
    def deposit(self, amount):
        self.set_state(self.get_state(int, 0) + amount)

    def withdraw(self, amount):
        self.set_state(self.get_state(int, 0) - amount)

    def balance(self, _):
        return self.get_state(int, 0)


def transfer(ctx, order):
    source, target = (entities.EntityInstanceId("account", order[end]) for end in ("from", "to"))
    with (yield ctx.lock_entities([source, target])):
        if (yield ctx.call_entity(source, "balance")) < order["amount"]:
            return "refused"
        yield ctx.call_entity(source, "withdraw", order["amount"])
        yield ctx.call_entity(target, "deposit", order["amount"])
    return "done"


def order(source, target, amount):
    return {"from": source, "to": target, "amount": amount}


address = sys.argv[1]
with worker.TaskHubGrpcWorker(host_address=address) as mine:
    mine.add_orchestrator(transfer)
    mine.add_entity(Account, "account")
    mine.start()
    hub = client.TaskHubGrpcClient(host_address=address)
    accounts = {name: entities.EntityInstanceId("account", f"{name}-{uuid.uuid4()}") for name in ("alice", "bob")}
    for account in accounts.values():
        hub.signal_entity(account, "deposit", 100)
    alice, bob = (account.key for account in accounts.values())
    # All at the same time, and in both directions.
    orders = [order(alice, bob, 10)] * 5 + [order(bob, alice, 10)] * 3 + [order(alice, bob, 1000)]
    instances = [hub.schedule_new_orchestration(transfer, input=one) for one in orders]
    print(*(hub.wait_for_orchestration_completion(instance, timeout=60).serialized_output for instance in instances))
    print(*(f"{name} {hub.get_entity(account).get_state(int)}" for name, account in accounts.items()))
