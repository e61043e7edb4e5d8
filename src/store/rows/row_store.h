// The Store over Rows: how executions, their indexes and the catalog become rows, the same for
// every ordered key-value engine. Per append to an execution it writes one block of new events and
// its head (the summary without input and attributes, which the first event has), and index rows
// only when its status changes. Thread rules are those of Store.
#pragma once

#include <memory>

#include "store/rows/rows.h"
#include "store/spill/payload_objects.h"
#include "store/store.h"

namespace tandem {

/// Version of the layout, kept in the rows; a binary refuses a newer one. A store gets the newest
/// with the first payload that is an object, so that an older binary may go on with all others.
constexpr int kStoreFormat = 3;
constexpr int kStoreFormatWithoutObjects = 2;

/// A store that owns the rows' newest epoch until another store over the same rows takes a newer
/// one; rows of an older layout are upgraded first. `spill` says what becomes of large payloads.
/// Errors: kUnsupported (written by a newer binary), kInvalidArgument (its payloads are in another
/// bucket), kIo, kCorrupt, those of opening the bucket.
Result<std::unique_ptr<Store>> open_row_store(std::shared_ptr<Rows> rows, SpillOptions spill = {});

}  // namespace tandem
