#include <charconv>

#include "api/lambda/actions.h"
#include "api/lambda/paging.h"
#include "api/lambda/versions.h"

namespace tandem::lambda {

namespace {

// $LATEST and, with FunctionVersion=ALL, every version after it.
Answer<std::vector<json::Value>> entries(const Call& call, const Callable& callable, bool all) {
    auto record = FunctionRecord::decode(callable);
    if (!record) return tl::unexpected(record.error());
    std::vector<json::Value> out;
    out.push_back(configuration(call.context.place, *record, all ? kLatest : std::string_view()));
    if (!all) return out;
    const auto versions = versions_of(call.context, callable.name);
    if (!versions) return tl::unexpected(versions.error());
    for (const FunctionRecord& version : *versions) {
        out.push_back(configuration(call.context.place, version, version.spec.version));
    }
    return out;
}

}  // namespace

Reply list_functions(const Call& call) {
    const std::string which = call.query("FunctionVersion").value_or("");
    if (!which.empty() && which != "ALL") {
        return aws::refuse("ValidationException",
                           "1 validation error detected: Value '" + which +
                               "' at 'functionVersion' failed to satisfy constraint: Member must "
                               "satisfy enum value set: [ALL]");
    }
    const auto page = read_page(call, "ListFunctions/" + which);
    if (!page) return tl::unexpected(page.error());
    // Cursor: "<functions done up to this name>/<entries shown of the next one>".
    const size_t slash = page->after.find('/');
    std::string after = page->after.substr(0, slash);
    size_t skip = 0;
    if (slash != std::string::npos)
        std::from_chars(page->after.data() + slash + 1, page->after.data() + page->after.size(),
                        skip);

    json::Value functions = json::Value::array();
    json::Value out = json::Value::object();
    bool full = false;
    while (!full) {
        const auto callables =
            call.context.engine.list_callables(CallableKind::kFunction, after, page->limit + 1);
        if (!callables) return aws::refuse(callables.error());
        if (callables->empty()) break;
        for (const auto& callable : *callables) {
            const auto shown = entries(call, *callable, which == "ALL");
            if (!shown) return tl::unexpected(shown.error());
            for (; skip < shown->size() && !full; ++skip) {
                full = functions.as_array().size() == page->limit;
                if (full) break;
                functions.push_back((*shown)[skip]);
            }
            if (full) {
                set_marker(out, *page, after + "/" + std::to_string(skip));
                break;
            }
            skip = 0;
            after = callable->name;
        }
    }
    out.set("Functions", std::move(functions));
    return RestReply{200, std::move(out)};
}

}  // namespace tandem::lambda
