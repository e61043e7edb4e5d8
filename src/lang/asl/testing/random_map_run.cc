// The Maps of RandomMachine in distributed mode, in both languages: items that are given or read,
// batches, tolerated failures, written results. A child whose input is not the execution's does
// little; the others are whole machines.
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

constexpr const char* kS3 = "arn:aws:states:::s3:";
constexpr int64_t kSmallWait_s = 3;  // well within an Express execution's life

/// How many items there are is what the object is called.
constexpr const char* kCount = "items-";

int64_t count_in(std::string_view name) {
    const std::string_view prefix = kCount;
    return name.starts_with(prefix) ? std::stoll(std::string(name.substr(prefix.size()))) : 0;
}

}  // namespace

json::Array RandomMachine::items_of_reader(const json::Value& arguments,
                                           const json::Value& config) {
    int64_t count = count_in(arguments.string_or("Key", arguments.string_or("Prefix", "")));
    count = std::min(count, config.int_or("MaxItems", count));
    json::Array items;
    for (int64_t i = 0; i < count; ++i) {
        if (i % 3 == 0) items.emplace_back(i);
        else items.push_back(json::Value::object({{"item", i}}));
    }
    return items;
}

/// Without one no random number is drawn, so that other machines are as they were.
bool RandomMachine::is_distributed() {
    return options_.has_map_runs && dice(around_.is_child ? 3 : 2) == 0;
}

void RandomMachine::distributed_map(Place place, const std::string& name, const Way& way,
                                    Query query) {
    const bool is_jsonata = query == Query::kJsonata;
    json::Value state = is_jsonata ? jsonata_state("Map") : json::Value::object({{"Type", "Map"}});
    const Surroundings around = around_;
    const bool is_read = coin(), is_batched = dice(3) == 0;
    const bool selects = is_batched ? coin() : dice(3) != 0;
    distributed_items(state, query, is_read);
    if (is_batched) item_batcher(state, query);
    tolerance(state, query);
    if (dice(3) == 0) result_writer(state, query);
    if (coin()) state.set("Label", "L" + name);
    around_.is_in_map = around_.has_index = true;
    if (selects && is_jsonata) jsonata_selector(state, "$states.input");
    else if (selects) state.set("ItemSelector", item_selector());
    // A child sees nothing of what is around it.
    around_ = Surroundings();
    around_.is_exact = around.is_exact;
    around_.is_in_map = around_.is_child = true;
    const bool is_express = dice(3) == 0;
    const bool is_small = is_express || is_batched || !selects || around.is_child;
    json::Value processor =
        is_small ? small_child() : inner(place.depth - 1, Part::kIteration, true);
    processor.set("ProcessorConfig",
                  json::Value::object({{"Mode", "DISTRIBUTED"},
                                       {"ExecutionType", is_express ? "EXPRESS" : "STANDARD"}}));
    state.set("ItemProcessor", std::move(processor));
    around_ = around;
    around_.has_input = true;
    if (is_jsonata) {
        jsonata_result(state, name, way, coin() ? "$states.result" : "$type($states.result)");
    } else {
        result_path(state, name, way);
        assign(state, name, false);
    }
    if (coin()) state.set("Retry", retry());
    // A failure above what is tolerated has a name of its own.
    if (options_.is_exact || coin()) catchers(place, state, way, query, true);
    add(place, name, std::move(state), way);
}

/// Where the items come from, and how many are worked on at a time.
void RandomMachine::distributed_items(json::Value& state, Query query, bool is_read) {
    if (query == Query::kPath && !is_read) return items_of(state);
    if (query == Query::kPath) input_path(state, true);
    if (is_read) {
        item_reader(state, query);
    } else {
        const char* lists[] = {"$states.input.list", "$states.input.o.n", "$states.input.none",
                               "[1..5]"};
        state.set("Items", jsonata_wrong(lists[dice(4)]));
    }
    switch (dice(3)) {
        case 0: state.set("MaxConcurrency", int64_t(dice(4))); break;
        case 1:
            if (query == Query::kPath) state.set("MaxConcurrencyPath", "$.n");
            else state.set("MaxConcurrency", jsonata_wrong("$states.input.n", 5));
            break;
        default: break;
    }
}

void RandomMachine::item_reader(json::Value& state, Query query) {
    const bool lists = dice(3) == 0;
    const uint64_t most = around_.is_child ? 3 : 10;
    const std::string name = kCount + std::to_string(dice(most));
    json::Value arguments = json::Value::object({{"Bucket", "bucket"}});
    const std::string key = lists ? "Prefix" : "Key";
    if (coin()) arguments.set(key, name);
    else if (query == Query::kJsonata) arguments.set(key, formula("'" + name + "'"));
    else arguments.set(key + ".$", "States.Format('" + name + "')");
    json::Value reader = json::Value::object(
        {{"Resource", kS3 + std::string(lists ? "listObjectsV2" : "getObject")}});
    reader.set(query == Query::kJsonata ? "Arguments" : "Parameters", std::move(arguments));
    json::Value config = json::Value::object();
    if (!lists) config.set("InputType", "JSON");
    if (dice(3) == 0) config.set("MaxItems", int64_t(1 + dice(5)));
    if (!config.as_object().empty()) reader.set("ReaderConfig", std::move(config));
    state.set("ItemReader", std::move(reader));
}

void RandomMachine::item_batcher(json::Value& state, Query query) {
    json::Value batcher = json::Value::object();
    const uint64_t kind = dice(3);
    if (kind != 0) batcher.set("MaxItemsPerBatch", int64_t(1 + dice(4)));
    if (kind != 1) batcher.set("MaxInputBytesPerBatch", int64_t(300 + dice(2'000)));
    if (coin()) {
        const bool is_jsonata = query == Query::kJsonata;
        batcher.set("BatchInput", is_jsonata
                                      ? json::Value::object({{"about", formula("$states.input.n")}})
                                      : json::Value::object({{"about.$", "$$.Execution.Input.n"}}));
    }
    state.set("ItemBatcher", std::move(batcher));
}

void RandomMachine::tolerance(json::Value& state, Query query) {
    switch (dice(6)) {
        case 0: state.set("ToleratedFailureCount", int64_t(dice(4))); break;
        case 1: state.set("ToleratedFailurePercentage", int64_t(dice(101))); break;
        case 2:
            state.set("ToleratedFailureCount", int64_t(dice(4)));
            state.set("ToleratedFailurePercentage", 50);
            break;
        case 3:
            if (query == Query::kPath)
                state.set("ToleratedFailureCountPath", "$$.Execution.Input.n");
            else state.set("ToleratedFailureCount", jsonata_wrong("$states.input.n"));
            break;
        default: break;
    }
}

void RandomMachine::result_writer(json::Value& state, Query query) {
    state.set("ResultWriter",
              json::Value::object(
                  {{"Resource", kS3 + std::string("putObject")},
                   {query == Query::kJsonata ? "Arguments" : "Parameters",
                    json::Value::object({{"Bucket", "bucket"}, {"Prefix", "results"}})}}));
}

/// Its input may be anything.
json::Value RandomMachine::small_child() {
    json::Value states = json::Value::object();
    const Place place{states, 0};
    const std::string first = fresh();
    std::string name = first;
    if (dice(3) == 0) {
        const bool is_jsonata = speaks_jsonata();
        json::Value wait =
            is_jsonata ? jsonata_state("Wait") : json::Value::object({{"Type", "Wait"}});
        const int64_t most = std::min(kSmallWait_s, options_.longest_wait_s);
        wait.set("Seconds", int64_t(dice(uint64_t(most))));
        const std::string next = fresh();
        add(place, name, std::move(wait), {next, {}, false});
        name = next;
    }
    const bool is_jsonata = speaks_jsonata();
    json::Value task = is_jsonata ? jsonata_state("Task") : json::Value::object({{"Type", "Task"}});
    task.set("Resource", kFunction + std::string(coin() ? "f" : "f:live"));
    if (is_jsonata && coin()) task.set("Output", formula("[$states.result.r]"));
    if (coin()) task.set("Retry", retry());
    add(place, name, std::move(task), {});
    return json::Value::object({{"StartAt", first}, {"States", std::move(states)}});
}

}  // namespace tandem::asl::testing
