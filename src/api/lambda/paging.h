// Marker and MaxItems of Lambda's listings.
#pragma once

#include <string>
#include <string_view>

#include "api/lambda/actions.h"

namespace tandem::lambda {

struct Page {
    std::string scope;
    std::string after;  // cursor; empty at the beginning
    size_t limit = 50;  // "ListFunctions returns a maximum of 50 items in each response"
};

Answer<Page> read_page(const Call& call, std::string_view scope);
/// Adds NextMarker.
void set_marker(json::Value& body, const Page& page, std::string_view cursor);

}  // namespace tandem::lambda
