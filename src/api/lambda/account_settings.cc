#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"

namespace tandem::lambda {

Reply get_account_settings(const Call& call) {
    const Limits& limits = call.context.limits;
    int64_t functions = 0, bytes = 0, reserved = 0;
    std::string after;
    for (;;) {
        const auto page =
            call.context.engine.list_callables(CallableKind::kFunction, after, kPageSizeMax);
        if (!page) return aws::refuse(page.error());
        if (page->empty()) break;
        for (const auto& callable : *page) {
            after = callable->name;
            const auto record = FunctionRecord::decode(*callable);
            if (!record) continue;
            ++functions;
            bytes += record->facts.code_size;
            reserved += record->spec.reserved_concurrency.value_or(0);
        }
    }
    constexpr int64_t kTotalCodeBytes = int64_t(75) << 30;  // as Lambda tells; not enforced here
    const auto workers = int64_t(limits.worker_processes);
    return RestReply{
        200,
        json::Value::object(
            {{"AccountLimit",
              json::Value::object({{"TotalCodeSize", kTotalCodeBytes},
                                   {"CodeSizeUnzipped", int64_t(limits.function_unzipped_bytes)},
                                   {"CodeSizeZipped", int64_t(limits.function_zip_bytes)},
                                   {"ConcurrentExecutions", workers},
                                   {"UnreservedConcurrentExecutions", workers - reserved}})},
             {"AccountUsage",
              json::Value::object({{"TotalCodeSize", bytes}, {"FunctionCount", functions}})}})};
}

}  // namespace tandem::lambda
