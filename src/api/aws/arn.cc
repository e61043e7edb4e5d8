#include "api/aws/arn.h"

#include <algorithm>

namespace tandem::aws {

std::optional<Arn> parse_arn(std::string_view text) {
    if (!text.starts_with("arn:")) return std::nullopt;
    std::string_view parts[6];
    for (int i = 0; i < 5; ++i) {
        const size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        parts[i] = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    parts[5] = text;
    if (parts[1].empty() || parts[2].empty() || parts[5].empty()) return std::nullopt;
    return Arn{std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
               std::string(parts[4]), std::string(parts[5])};
}

namespace {

std::string join(std::string_view service, const Place& place, std::string_view resource) {
    std::string out = "arn:aws:";
    out.append(service).append(":").append(place.region).append(":").append(place.account);
    out.append(":").append(resource);
    return out;
}

}  // namespace

std::string state_machine_arn(const Place& place, std::string_view name) {
    return join("states", place, "stateMachine:").append(name);
}

std::string execution_arn(const Place& place, std::string_view machine,
                          std::string_view execution) {
    return join("states", place, "execution:").append(machine).append(":").append(execution);
}

std::string express_arn(const Place& place, std::string_view machine, std::string_view execution,
                        std::string_view unique) {
    std::string out = join("states", place, "express:");
    return out.append(machine).append(":").append(execution).append(":").append(unique);
}

std::string map_run_arn(const Place& place, std::string_view machine, std::string_view run) {
    return join("states", place, "mapRun:").append(machine).append(":").append(run);
}

std::string activity_arn(const Place& place, std::string_view name) {
    return join("states", place, "activity:").append(name);
}

std::string function_arn(const Place& place, std::string_view name, std::string_view qualifier) {
    std::string out = join("lambda", place, "function:").append(name);
    if (!qualifier.empty()) out.append(":").append(qualifier);
    return out;
}

bool is_role_arn(std::string_view text) {
    const auto arn = parse_arn(text);
    if (!arn || arn->service != "iam" || !arn->region.empty()) return false;
    if (!arn->partition.starts_with("aws")) return false;
    const bool account =
        arn->account.size() == 12 && std::all_of(arn->account.begin(), arn->account.end(),
                                                 [](char c) { return c >= '0' && c <= '9'; });
    return account && arn->resource.starts_with("role/") && arn->resource.size() > 5;
}

}  // namespace tandem::aws
