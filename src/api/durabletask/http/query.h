// Query: the parameters of a request, read into what they mean. Names compare without case. Errors
// of the readers: kInvalidArgument, naming the parameter. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/durabletask/words.h"
#include "net/http.h"

namespace tandem::durabletask::http {

class Query {
public:
    explicit Query(std::string_view query);

    /// The first one that is not empty.
    std::optional<std::string> find(std::string_view name) const;
    Result<bool> flag(std::string_view name, bool fallback) const;
    Result<std::optional<double>> seconds(std::string_view name) const;
    /// RFC 3339; without an offset, and without a time of day, it is UTC.
    Result<std::optional<Timestamp>> time(std::string_view name) const;
    /// 1 to `most`; more is as good as `most`.
    Result<size_t> count(std::string_view name, size_t fallback, size_t most) const;
    /// Separated by commas, or repeated.
    Result<std::vector<OrchestrationStatus>> statuses(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> parameters_;
};

/// Whether its body says that it is JSON, with whatever parameters.
bool is_json(const net::HttpRequest& request);
/// "Running", "ContinuedAsNew", ...
std::string_view to_string(OrchestrationStatus status);

}  // namespace tandem::durabletask::http
