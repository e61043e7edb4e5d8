// A store in memory: for tests and for servers that may forget. The same semantics as rocks/, held to
// them by store/conformance. One mutex; pages are copied out under it.
#pragma once

#include <memory>

#include "store/store.h"

namespace tandem {

std::unique_ptr<Store> make_memory_store();

}  // namespace tandem
