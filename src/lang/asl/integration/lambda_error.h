// How the outcomes of a Lambda call read as errors of a state: shared by the two ways to call one.
#pragma once

#include <string>
#include <string_view>

#include "lang/asl/failure.h"
#include "lang/asl/integration/integration.h"
#include "model/task.h"

namespace tandem::asl {

/// A function as it was named: a name, "account:function:name" or a whole ARN, each with or without
/// ":qualifier".
struct FunctionName {
    std::string name;
    std::string qualifier;
};
FunctionName parse_function_name(std::string_view text);

/// For every outcome but kSucceeded. `compact`: the cause is printed again, as the optimised
/// integration does; else it is the function's own text.
Failure lambda_failure(const TaskResult& result, const CallableRef& target, bool compact,
                       AnswerContext& context);

}  // namespace tandem::asl
