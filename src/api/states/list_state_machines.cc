#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/machine.h"
#include "api/states/page.h"

namespace tandem::states {

Answer<json::Value> list_state_machines(const Context& context, const Input& input) {
    aws::Fields fields(input);
    auto asked = read_page(fields, "ListStateMachines");
    if (!asked) return tl::unexpected(asked.error());
    auto& [limit, after] = *asked;
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
