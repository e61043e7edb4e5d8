// Invoke: RequestResponse runs the function at once; Event records a durable execution of language
// "invocation", which keeps Lambda's retries; DryRun only checks. Answers once, from any thread.
#pragma once

#include <string>

#include "api/aws/door.h"

namespace tandem::lambda {

void invoke(const aws::Context& context, net::HttpRequest request, const std::string& function,
            std::string request_id, net::HttpReply reply);

}  // namespace tandem::lambda
