#include "api/states/routing.h"

#include <charconv>
#include <functional>
#include <set>

namespace tandem::states {

using aws::Answer;
using aws::refuse;

namespace {

struct Item {
    std::string arn;
    int64_t weight = 0;
};

std::string list_of(const std::vector<Item>& items,
                    const std::function<std::string(const Item&)>& of) {
    std::string out;
    for (const Item& item : items) out.append(out.empty() ? "[" : ", ").append(of(item));
    return (out.empty() ? "[" : out) + "]";
}

// Weights and ARNs within the bounds of the API's model.
Answer<std::vector<Item>> read_items(aws::Fields& fields, const json::Value* given) {
    std::vector<Item> out;
    size_t position = 0;
    for (const json::Value& member : given->as_array()) {
        if (!member.is_object()) return refuse("SerializationException", "Unexpected field type");
        const std::string at = "routingConfiguration." + std::to_string(++position) + ".member.";
        const std::string arn_name = at + "stateMachineVersionArn", weight_name = at + "weight";
        aws::Fields item(member);
        const auto arn =
            item.string("stateMachineVersionArn",
                        {.required = true, .min = 1, .max = kArnChars, .error_name = arn_name});
        const auto weight = item.integer(
            "weight",
            {.required = true, .min = 0, .max = kRouteWeightMax, .error_name = weight_name});
        if (const auto error = item.error()) return tl::unexpected(*error);
        out.push_back({*arn, *weight});
    }
    const auto shown = [&out] {
        return list_of(out, [](const Item& item) {
            return "RoutingConfigurationListItem(stateMachineVersionArn=" + item.arn +
                   ", weight=" + std::to_string(item.weight) + ")";
        });
    };
    if (out.empty()) {
        fields.violate("routingConfiguration", "[]",
                       "Member must have length greater than or equal to 1");
    } else if (out.size() > kRoutesPerAlias) {
        fields.violate(
            "routingConfiguration", shown(),
            "Member must have length less than or equal to " + std::to_string(kRoutesPerAlias));
    }
    if (const auto error = fields.error()) return tl::unexpected(*error);
    return out;
}

}  // namespace

Answer<std::optional<Routing>> read_routing(const aws::Context& context, aws::Fields& fields,
                                            bool required) {
    const json::Value* given = fields.array("routingConfiguration");
    if (!given && required) fields.string("routingConfiguration", {.required = true});
    if (!given) {
        if (const auto error = fields.error()) return tl::unexpected(*error);
        return std::optional<Routing>();
    }
    const auto items = read_items(fields, given);
    if (!items) return tl::unexpected(items.error());
    const std::string arns = list_of(*items, [](const Item& item) { return item.arn; });
    Routing out;
    std::set<std::string> distinct, machines;
    int64_t sum = 0;
    for (const Item& item : *items) {
        const auto parsed = parse_machine_arn(context, item.arn);
        if (!parsed || !parsed->names_version()) {
            return refuse("ValidationException",
                          "Routing configuration must contain state machine version ARNs. "
                          "Received: " +
                              arns);
        }
        distinct.insert(item.arn);
        machines.insert(parsed->name);
        int64_t version = 0;
        const std::string& number = parsed->qualifier;
        std::from_chars(number.data(), number.data() + number.size(), version);
        out.machine = parsed->name;
        out.routes.push_back({version, item.weight});
        sum += item.weight;
    }
    if (distinct.size() != items->size()) {
        return refuse("ValidationException",
                      "Routing configuration must contain distinct state machine version ARNs. "
                      "Received: " +
                          arns);
    }
    if (machines.size() != 1) {
        return refuse("ValidationException",
                      "Routing configuration must contain versions of one state machine. "
                      "Received: " +
                          arns);
    }
    if (sum != kRouteWeightMax) {
        return refuse("ValidationException",
                      "Sum of routing configuration weights must equal " +
                          std::to_string(kRouteWeightMax) + ". Received: " +
                          list_of(*items, [](const Item& i) { return std::to_string(i.weight); }));
    }
    return std::optional<Routing>(std::move(out));
}

}  // namespace tandem::states
