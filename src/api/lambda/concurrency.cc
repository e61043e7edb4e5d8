// Reserved concurrency of a function: Put, Get, DeleteFunctionConcurrency.

#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"

namespace tandem::lambda {

namespace {

json::Value shown(const FunctionRecord& record) {
    if (!record.spec.reserved_concurrency) return json::Value::object();
    return json::Value::object(
        {{"ReservedConcurrentExecutions", *record.spec.reserved_concurrency}});
}

// What other functions reserve, of the processes that this server runs at most.
Answer<int64_t> reserved_by_others(const Context& context, const std::string& name) {
    int64_t sum = 0;
    std::string after;
    for (;;) {
        const auto page =
            context.engine.list_callables(CallableKind::kFunction, after, kPageSizeMax);
        if (!page) return aws::refuse(page.error());
        if (page->empty()) return sum;
        for (const auto& callable : *page) {
            after = callable->name;
            const auto spec = decode_function_spec(callable->definition.view());
            if (spec && callable->name != name) sum += spec->reserved_concurrency.value_or(0);
        }
    }
}

}  // namespace

Reply put_function_concurrency(const Call& call) {
    aws::Fields fields(call.body);
    const auto wanted = fields.integer("ReservedConcurrentExecutions",
                                       {.required = true,
                                        .min = 0,
                                        .max = INT32_MAX,
                                        .error_name = "reservedConcurrentExecutions"});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto record = latest_of(call.context, call.labels[0]);
    if (!record) return tl::unexpected(record.error());
    const auto others = reserved_by_others(call.context, record->spec.name);
    if (!others) return tl::unexpected(others.error());
    if (*others + *wanted > int64_t(call.context.limits.worker_processes)) {
        return aws::refuse(
            "InvalidParameterValueException",
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [0].");
    }
    record->spec.reserved_concurrency = int(*wanted);
    if (const auto saved = save_latest(call.context, *record); !saved)
        return tl::unexpected(saved.error());
    return RestReply{200, shown(*record)};
}

Reply get_function_concurrency(const Call& call) {
    const auto record = latest_of(call.context, call.labels[0]);
    if (!record) return tl::unexpected(record.error());
    return RestReply{200, shown(*record)};
}

Reply delete_function_concurrency(const Call& call) {
    auto record = latest_of(call.context, call.labels[0]);
    if (!record) return tl::unexpected(record.error());
    record->spec.reserved_concurrency.reset();
    if (const auto saved = save_latest(call.context, *record); !saved)
        return tl::unexpected(saved.error());
    return RestReply{204, {}};
}

}  // namespace tandem::lambda
