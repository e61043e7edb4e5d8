// The order in which Step Functions writes the members of a payload template. Visible wherever an
// object becomes text: outputs that are arrays, States.JsonToString, States.Format. Read from
// recordings: members that stand in the template come first, in its order; those that are computed
// ("x.$") follow in the order of a Java HashMap of their names.
#pragma once

#include <string>
#include <vector>

namespace tandem::asl {

/// Positions of `names` in the order in which a java.util.HashMap with these keys, inserted in
/// order, would be iterated. `names` are well-formed UTF-8.
std::vector<size_t> hash_map_order(const std::vector<std::string>& names);

}  // namespace tandem::asl
