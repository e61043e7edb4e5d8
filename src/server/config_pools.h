// [pools.NAME]: pools of pilots, as the configuration names them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "server/config.h"
#include "server/toml.h"

namespace tandem {

/// Error: kInvalidArgument, naming the key.
Result<void> apply_pool(std::string_view name, const toml::node& node, Config& config);

}  // namespace tandem
