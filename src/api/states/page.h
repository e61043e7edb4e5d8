// PageRequest: maxResults and nextToken of a listing.
#pragma once

#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/fields.h"

namespace tandem::states {

struct PageRequest {
    size_t limit = 0;   // 1 .. kPageSizeMax
    std::string after;  // where the page begins, exclusive; empty: at the beginning
};

/// Reads both, and refuses what else is wrong in `fields`. `scope`: the listing, as in its tokens.
aws::Answer<PageRequest> read_page(aws::Fields& fields, std::string_view scope);

}  // namespace tandem::states
