#include "api/states/page.h"

#include "api/aws/page_token.h"
#include "base/limits.h"

namespace tandem::states {

aws::Answer<PageRequest> read_page(aws::Fields& fields, std::string_view scope) {
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const auto token = fields.string("nextToken", {.min = 1, .max = kPageTokenChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    PageRequest page;
    page.limit = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
    if (!token) return page;
    auto cursor = aws::decode_page_token(scope, *token);
    if (!cursor) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
    page.after = *std::move(cursor);
    return page;
}

}  // namespace tandem::states
