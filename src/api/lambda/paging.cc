#include "api/lambda/paging.h"

#include <algorithm>
#include <charconv>

#include "api/aws/fields.h"
#include "api/aws/page_token.h"

namespace tandem::lambda {

namespace {

constexpr int64_t kMaxItems = 10'000;

}  // namespace

Answer<Page> read_page(const Call& call, std::string_view scope) {
    Page page;
    page.scope = scope;
    if (const auto text = call.query("MaxItems")) {
        int64_t items = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), items);
        if (error != std::errc() || end != text->data() + text->size() || items < 1 ||
            items > kMaxItems) {
            return aws::refuse("ValidationException",
                               "1 validation error detected: Value '" + aws::shown(*text) +
                                   "' at 'maxItems' failed to satisfy constraint: Member must have "
                                   "value between 1 and 10000");
        }
        page.limit = std::min(page.limit, size_t(items));
    }
    if (const auto marker = call.query("Marker"); marker && !marker->empty()) {
        auto cursor = aws::decode_page_token(scope, *marker);
        if (!cursor)
            return aws::refuse("InvalidParameterValueException", "Invalid pagination token");
        page.after = *std::move(cursor);
    }
    return page;
}

void set_marker(json::Value& body, const Page& page, std::string_view cursor) {
    body.set("NextMarker", aws::encode_page_token(page.scope, cursor));
}

}  // namespace tandem::lambda
