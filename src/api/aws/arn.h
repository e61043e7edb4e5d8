// Amazon Resource Names: the six colon-separated parts, and the forms that the doors give out.
// Pure functions. The partition is always "aws".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::aws {

struct Arn {
    std::string partition;
    std::string service;
    std::string region;
    std::string account;
    std::string resource;  // everything after the fifth colon
};

/// nullopt unless the text begins with "arn:" and has all six parts.
std::optional<Arn> parse_arn(std::string_view text);

/// Where this server lives, as ARNs say it.
struct Place {
    std::string account = "123456789012";
    std::string region = "us-east-1";
    friend bool operator==(const Place&, const Place&) = default;
};

std::string state_machine_arn(const Place& place, std::string_view name);
std::string execution_arn(const Place& place, std::string_view machine, std::string_view execution);
/// Of an execution of an Express state machine; `unique` tells those of one name apart.
std::string express_arn(const Place& place, std::string_view machine, std::string_view execution,
                        std::string_view unique);
/// Of a map run; `machine` is "machine/label".
std::string map_run_arn(const Place& place, std::string_view machine, std::string_view run);
std::string activity_arn(const Place& place, std::string_view name);
/// `qualifier` may be empty.
std::string function_arn(const Place& place, std::string_view name,
                         std::string_view qualifier = {});

/// "arn:aws:iam::<account>:role/<name>" in any partition and account.
bool is_role_arn(std::string_view text);

}  // namespace tandem::aws
