#include "server/config_pools.h"

#include "model/function_spec.h"

namespace tandem {

namespace {

constexpr int64_t kMinutesMost = 60 * 24 * 366;
constexpr int64_t kSecondsMost = 7 * 86'400;

tl::unexpected<Error> bad(std::string_view pool, std::string_view key,
                          const std::string& expected) {
    return fail(ErrorCode::kInvalidArgument,
                "[pools." + std::string(pool) + "] " + std::string(key) + ": " + expected);
}

/// A word for Slurm: no blanks.
bool is_word(std::string_view text) {
    return !text.starts_with('-') && text.find_first_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Result<void> apply_pool(std::string_view name, const toml::node& node, Config& config) {
    const toml::table* table = node.as_table();
    if (table == nullptr || !is_pool_name(name))
        return bad(name, "", "expected a table under a name of letters, digits, - and _");
    pilots::Pool pool;
    pool.name = name;
    const std::pair<std::string_view, std::string*> texts[] = {
        {"user", &pool.user},
        {"partition", &pool.partition},
        {"account", &pool.account},
        {"qos", &pool.qos},
        {"constraint", &pool.constraint},
        {"reservation", &pool.reservation},
        {"gpus_per_node", &pool.gpus_per_node},
        {"retry_pool", &pool.retry_pool}};
    const std::tuple<std::string_view, int64_t*, int64_t, int64_t> numbers[] = {
        {"nodes", &pool.nodes, 1, 10'000},
        {"cpus", &pool.cpus, 1, 65'536},
        {"memory_mb", &pool.memory_mb, 0, int64_t(1) << 40},
        {"walltime_minutes", &pool.walltime_minutes, 1, kMinutesMost},
        {"min_pilots", &pool.min_pilots, 0, 10'000},
        {"max_pilots", &pool.max_pilots, 0, 10'000},
        {"idle_s", &pool.idle_s, 0, kSecondsMost},
        {"patience_s", &pool.patience_s, 0, kSecondsMost},
        {"successor_s", &pool.successor_s, 0, kSecondsMost},
        {"drain_s", &pool.drain_s, 0, kSecondsMost},
        {"away_s", &pool.away_s, 0, kSecondsMost}};
    const std::pair<std::string_view, bool*> flags[] = {{"harvest", &pool.harvest},
                                                        {"isolate", &pool.isolate}};
    for (const auto& [named, value] : *table) {
        const std::string_view key = named.str();
        bool is_known = false;
        for (const auto& [known, out] : texts) {
            if (key != known) continue;
            is_known = true;
            const auto text = value.value_exact<std::string>();
            if (!text || !is_word(*text)) return bad(name, key, "expected a string without blanks");
            *out = *text;
        }
        for (const auto& [known, out, least, most] : numbers) {
            if (key != known) continue;
            is_known = true;
            const auto number = value.value_exact<int64_t>();
            if (!number || *number < least || *number > most)
                return bad(name, key,
                           "expected an integer between " + std::to_string(least) + " and " +
                               std::to_string(most));
            *out = *number;
        }
        for (const auto& [known, out] : flags) {
            if (key != known) continue;
            is_known = true;
            const auto flag = value.value_exact<bool>();
            if (!flag) return bad(name, key, "expected true or false");
            *out = *flag;
        }
        if (!is_known) return bad(name, key, "no such setting");
    }
    if (pool.min_pilots > pool.max_pilots)
        return bad(name, "min_pilots", "is more than max_pilots");
    if (pool.drain_s >= pool.walltime_minutes * 60)
        return bad(name, "drain_s", "is as long as the whole walltime");
    // Its successor is asked for while it still takes calls.
    if (pool.successor_s < pool.drain_s) return bad(name, "successor_s", "is less than drain_s");
    if (!pool.retry_pool.empty()) {
        if (!is_pool_name(pool.retry_pool)) return bad(name, "retry_pool", "is no pool's name");
        if (!pool.harvest)
            return bad(name, "retry_pool", "says where lost calls run again: harvest = true");
    }
    config.pools.push_back(std::move(pool));
    return {};
}

}  // namespace tandem
