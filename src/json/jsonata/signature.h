// Signature: what a function takes, as <s-n?:s> says it. Immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json/jsonata/item.h"

namespace tandem::jsonata {

/// Arguments of a call, in order.
using Arguments = std::vector<Item>;

struct Parameter {
    enum class Count : uint8_t { kOne, kOptional, kMany };
    uint16_t accepts = 0;  // kinds, one bit each
    uint16_t context = 0;  // kinds of the context that stands in for it; 0: none does
    Count count = Count::kOne;
    bool is_array = false;
    char subtype = 0;  // of the array's items
    std::string subtype_text;
};

struct Signature {
    std::vector<Parameter> parameters;

    /// Throws S0401, S0402.
    static std::shared_ptr<const Signature> parse(std::string_view text);
    /// Fills in the context, wraps single values for arrays. Throws T0410, T0411, T0412.
    void apply(Arguments& arguments, const Item& context, class Memory& memory) const;
};

}  // namespace tandem::jsonata
