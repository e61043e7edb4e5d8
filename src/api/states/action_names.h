// The actions of the API that this server has, as requests name them ("CreateActivity").
#pragma once

#include <string_view>
#include <vector>

namespace tandem::states {

std::vector<std::string_view> action_names();

}  // namespace tandem::states
