// The actions of the Lambda API that this door answers. Each gets the request's parts and returns a
// reply or an exception; Invoke answers later and has a signature of its own (invoke.h).
// Those marked as changes in routes.cc are called one at a time.
#pragma once

#include <string>
#include <vector>

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "api/aws/fields.h"
#include "api/lambda/code_link.h"
#include "json/value.h"

namespace tandem::lambda {

using aws::Answer;
using aws::ApiError;
using aws::Context;

struct Call {
    const Context& context;
    const CodeLinks& links;
    const net::HttpRequest& request;
    const std::vector<std::string>& labels;  // the path's variable parts, percent-decoded
    json::Value body;                        // decoded; an empty object without one

    std::optional<std::string> query(std::string_view name) const {
        return net::query_parameter(request.query(), name);
    }
};

struct RestReply {
    int status = 200;
    json::Value body;  // null: no body
};

using Reply = Answer<RestReply>;

Reply create_function(const Call& call);
Reply get_function(const Call& call);
Reply get_function_configuration(const Call& call);
Reply update_function_code(const Call& call);
Reply update_function_configuration(const Call& call);
Reply list_functions(const Call& call);
Reply delete_function(const Call& call);
Reply publish_version(const Call& call);
Reply list_versions_by_function(const Call& call);
Reply create_alias(const Call& call);
Reply get_alias(const Call& call);
Reply update_alias(const Call& call);
Reply delete_alias(const Call& call);
Reply list_aliases(const Call& call);
Reply put_function_concurrency(const Call& call);
Reply get_function_concurrency(const Call& call);
Reply delete_function_concurrency(const Call& call);
Reply get_account_settings(const Call& call);
Reply list_tags(const Call& call);
Reply tag_resource(const Call& call);
Reply untag_resource(const Call& call);

}  // namespace tandem::lambda
