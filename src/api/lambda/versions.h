// Published versions of a function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/lambda/function_record.h"

namespace tandem::lambda {

/// All published versions, oldest first.
aws::Answer<std::vector<FunctionRecord>> versions_of(const aws::Context& context,
                                                     const std::string& name);

/// Publishes `latest` as a version, or answers the last one if nothing changed since.
aws::Answer<FunctionRecord> publish(const aws::Context& context, FunctionRecord latest,
                                    const std::optional<std::string>& description);

}  // namespace tandem::lambda
