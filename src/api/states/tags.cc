// TagResource, UntagResource, ListTagsForResource for state machines.

#include <algorithm>

#include "api/states/actions.h"
#include "api/states/machine.h"

namespace tandem::states {

namespace {

Answer<Machine> tagged(const Context& context, const std::string& arn) {
    auto machine = find_machine(context, arn);
    if (!machine && machine.error().code == "StateMachineDoesNotExist") {
        return aws::refuse("ResourceNotFound", "Resource not found: '" + arn + "'");
    }
    return machine;
}

Answer<json::Value> store(const Context& context, const Machine& machine) {
    Callable callable = *machine.callable;
    callable.attributes = machine.attributes.encode();
    const auto done = context.engine.amend_callable(callable);
    if (!done) return aws::refuse(done.error());
    return json::Value::object();
}

}  // namespace

Answer<json::Value> tag_resource(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("resourceArn", {.required = true, .min = 1, .max = kArnChars});
    const json::Value* tags = fields.array("tags");
    if (!tags) fields.string("tags", {.required = true});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto added = read_tags(tags);
    if (!added) return tl::unexpected(added.error());
    auto machine = tagged(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    json::Value merged = machine->attributes.tags;
    for (const json::Value& tag : added->as_array()) {
        json::Array& all = merged.mutable_array();
        const auto same = std::find_if(all.begin(), all.end(), [&](const json::Value& t) {
            return t.string_or("key", "") == tag.string_or("key", "");
        });
        if (same != all.end()) *same = tag;
        else all.push_back(tag);
    }
    auto checked = read_tags(&merged);
    if (!checked) return tl::unexpected(checked.error());
    machine->attributes.tags = *std::move(checked);
    return store(context, *machine);
}

Answer<json::Value> untag_resource(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("resourceArn", {.required = true, .min = 1, .max = kArnChars});
    const json::Value* keys = fields.array("tagKeys");
    if (!keys) fields.string("tagKeys", {.required = true});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto machine = tagged(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    std::erase_if(machine->attributes.tags.mutable_array(), [&](const json::Value& tag) {
        const json::Array& gone = keys->as_array();
        return std::any_of(gone.begin(), gone.end(), [&](const json::Value& key) {
            return key.is_string() && key.as_string() == tag.string_or("key", "");
        });
    });
    return store(context, *machine);
}

Answer<json::Value> list_tags_for_resource(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("resourceArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto machine = tagged(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    return json::Value::object({{"tags", machine->attributes.tags}});
}

}  // namespace tandem::states
