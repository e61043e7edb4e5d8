// Where the payloads of a store are that became objects: recorded in the rows with the first
// configuration that has them, and found there when it is switched off later.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/rows/rows.h"
#include "store/spill/payload_objects.h"

namespace tandem {

/// As recorded and as opened.
struct PayloadPlace {
    std::string bucket;                       // empty: none
    std::unique_ptr<PayloadObjects> objects;  // null: the bucket is not open
};

/// Opens the bucket of the store's payloads, if it has one or is to have one. `recorded` is the row
/// that says which; it is made here.
Result<PayloadPlace> open_payloads(Rows& rows, const std::optional<std::string>& recorded,
                                   SpillOptions spill);

}  // namespace tandem
