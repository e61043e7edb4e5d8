// The table of Lambda's routes: method and path to action. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/lambda/actions.h"

namespace tandem::lambda {

enum class RouteKind {
    kInvoke,
    kRead,
    kChange,     // one at a time
    kNotYet,     // an operation of Lambda that this version does not answer
    kUnknown,    // no operation of Lambda
    kMalformed,  // the path does not decode
};

struct Route {
    RouteKind kind = RouteKind::kUnknown;
    Reply (*action)(const Call&) = nullptr;
    std::vector<std::string> labels;
};

/// A trailing slash makes no difference: the SDKs differ in it.
Route find_route(std::string_view method, std::string_view path);

}  // namespace tandem::lambda
