// ListTags, TagResource, UntagResource of functions: the label is the function's ARN.

#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"
#include "api/lambda/placement.h"

namespace tandem::lambda {

namespace {

Answer<FunctionRecord> tagged(const Call& call) {
    const auto ref = parse_function(call.context.place, call.labels[0], std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    return find_function(call.context, {ref->name, ""});
}

// Every value of a query parameter that may come more than once.
std::vector<std::string> query_values(std::string_view query, std::string_view name) {
    std::vector<std::string> out;
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        if (const auto value = net::query_parameter(query.substr(0, end), name))
            out.push_back(*value);
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return out;
}

/// Tags that say where a function runs change the function.
Reply save_tags(const Call& call, FunctionRecord record) {
    const FunctionSpec before = record.spec;
    if (const auto error = apply_placement(record)) return tl::unexpected(*error);
    const auto saved = record.spec == before ? amend_latest(call.context, record)
                                             : save_latest(call.context, record);
    if (!saved) return tl::unexpected(saved.error());
    return RestReply{204, {}};
}

}  // namespace

Reply list_tags(const Call& call) {
    const auto record = tagged(call);
    if (!record) return tl::unexpected(record.error());
    return RestReply{200, json::Value::object({{"Tags", record->facts.tags}})};
}

Reply tag_resource(const Call& call) {
    aws::Fields fields(call.body);
    const json::Value* tags = fields.object("Tags");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto record = tagged(call);
    if (!record) return tl::unexpected(record.error());
    for (const auto& [key, value] : tags ? tags->as_object() : json::Object()) {
        if (!value.is_string())
            return aws::refuse("SerializationException",
                               "NUMBER_VALUE can not be converted to String");
        record->facts.tags.set(key, value);
    }
    return save_tags(call, *std::move(record));
}

Reply untag_resource(const Call& call) {
    auto record = tagged(call);
    if (!record) return tl::unexpected(record.error());
    for (const std::string& key : query_values(call.request.query(), "tagKeys"))
        record->facts.tags.mutable_object().erase(key);
    return save_tags(call, *std::move(record));
}

}  // namespace tandem::lambda
