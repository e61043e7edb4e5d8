#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/machine.h"

namespace tandem::states {

Answer<json::Value> list_state_machines(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const auto token = fields.string("nextToken", {.min = 1, .max = kPageTokenChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const size_t limit = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
    std::string after;
    if (token) {
        auto cursor = aws::decode_page_token("ListStateMachines", *token);
        if (!cursor) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        after = *std::move(cursor);
    }
    json::Value machines = json::Value::array();
    std::string next;
    // Workflows of other languages are not state machines: read on until the page is full.
    for (bool more = true; more && next.empty();) {
        const auto page = context.engine.list_callables(CallableKind::kWorkflow, after, limit + 1);
        if (!page) return aws::refuse(page.error());
        more = page->size() == limit + 1;
        for (const auto& callable : *page) {
            if (machines.as_array().size() == limit) {
                next = aws::encode_page_token("ListStateMachines", after);
                break;
            }
            after = callable->name;
            const std::string_view type = machine_type(*callable);
            if (type.empty()) continue;
            machines.push_back(json::Value::object(
                {{"stateMachineArn", aws::state_machine_arn(context.place, callable->name)},
                 {"name", callable->name},
                 {"type", type},
                 {"creationDate", aws::epoch_seconds(callable->created)}}));
        }
    }
    json::Value out = json::Value::object({{"stateMachines", std::move(machines)}});
    if (!next.empty()) out.set("nextToken", std::move(next));
    return out;
}

}  // namespace tandem::states
