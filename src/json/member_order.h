// The order in which Step Functions writes the members of objects that it makes by name: of a
// payload template's computed members, of a CSV row. Visible wherever an object becomes text:
// outputs that are arrays, States.JsonToString, States.Format. Read from recordings: it is the
// order of a Java HashMap.
#pragma once

#include <string>
#include <vector>

namespace tandem::json {

/// Positions of `names` in the order in which a java.util.HashMap with these keys, inserted in
/// order, would be iterated. `names` are well-formed UTF-8.
std::vector<size_t> hash_map_order(const std::vector<std::string>& names);

}  // namespace tandem::json
