// TagResource, UntagResource, ListTagsForResource. What can have tags is in find_tagged().

#include <algorithm>
#include <functional>

#include "api/states/actions.h"
#include "api/states/activity.h"
#include "api/states/version.h"

namespace tandem::states {

namespace {

/// A resource with its tags, and how changed ones are written.
struct Tagged {
    json::Value tags;
    std::function<Answer<bool>(json::Value tags)> save;
};

tl::unexpected<aws::ApiError> resource_not_found(const std::string& arn) {
    return aws::refuse("ResourceNotFound", "Resource not found: '" + arn + "'");
}

Answer<Tagged> find_tagged_activity(const Context& context, const std::string& arn) {
    const auto activity = find_activity(context, arn);
    if (!activity) {
        if (activity.error().code != "ActivityDoesNotExist")
            return tl::unexpected(activity.error());
        return resource_not_found(arn);
    }
    return Tagged{activity->tags,
                  [&context, arn, callable = *activity->callable](json::Value tags) mutable {
                      callable.attributes = encode_activity(tags);
                      const auto saved = context.engine.amend_callable(callable);
                      if (saved) return Answer<bool>(true);
                      if (saved.error().code == ErrorCode::kNotFound)
                          return Answer<bool>(resource_not_found(arn));
                      return Answer<bool>(aws::refuse(saved.error()));
                  }};
}

Answer<Tagged> find_tagged(const Context& context, const std::string& arn) {
    if (is_activity_arn(arn)) return find_tagged_activity(context, arn);
    auto machine = find_machine(context, arn);
    if (!machine) {
        if (machine.error().code != "StateMachineDoesNotExist")
            return tl::unexpected(machine.error());
        return resource_not_found(arn);
    }
    return Tagged{machine->attributes.tags,
                  [&context, machine = *machine](json::Value tags) mutable {
                      machine.attributes.tags = std::move(tags);
                      return save_machine(context, *machine.callable, machine.attributes);
                  }};
}

Answer<json::Value> store(Tagged& resource, json::Value tags) {
    const auto saved = resource.save(std::move(tags));
    if (!saved) return tl::unexpected(saved.error());
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
    auto resource = find_tagged(context, *arn);
    if (!resource) return tl::unexpected(resource.error());
    json::Value merged = resource->tags;
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
    return store(*resource, *std::move(checked));
}

Answer<json::Value> untag_resource(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("resourceArn", {.required = true, .min = 1, .max = kArnChars});
    const json::Value* keys = fields.array("tagKeys");
    if (!keys) fields.string("tagKeys", {.required = true});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto resource = find_tagged(context, *arn);
    if (!resource) return tl::unexpected(resource.error());
    json::Value left = resource->tags;
    std::erase_if(left.mutable_array(), [&](const json::Value& tag) {
        const json::Array& gone = keys->as_array();
        return std::any_of(gone.begin(), gone.end(), [&](const json::Value& key) {
            return key.is_string() && key.as_string() == tag.string_or("key", "");
        });
    });
    return store(*resource, std::move(left));
}

Answer<json::Value> list_tags_for_resource(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("resourceArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto resource = find_tagged(context, *arn);
    if (!resource) return tl::unexpected(resource.error());
    return json::Value::object({{"tags", resource->tags}});
}

}  // namespace tandem::states
