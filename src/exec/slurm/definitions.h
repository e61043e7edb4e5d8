// Definitions: what the configuration registers as job definitions: members of slurm:submitJob's
// parameters under a name, which jobs take as defaults. Pure; constant after read().
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace tandem::slurm {

class Definitions {
public:
    /// `given`: objects by name. Error: kInvalidArgument, naming the definition and what is wrong.
    static Result<Definitions> read(std::map<std::string, json::Value, std::less<>> given);

    /// Null where there is none.
    const json::Value* find(std::string_view name) const;
    /// The parameters with those of their `JobDefinition`, which they lose. What they give
    /// themselves counts before it; of `Environment` variable by variable. Error:
    /// kInvalidArgument (no such definition).
    Result<json::Value> complete(const json::Value& parameters) const;

private:
    std::map<std::string, json::Value, std::less<>> by_name_;
};

}  // namespace tandem::slurm
