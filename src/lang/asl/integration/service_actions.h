// What tasks may call beside functions by their ARN: actions of services and the parameters of
// each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::asl {

struct ServiceAction {
    std::string_view service;     // "states", "aws-sdk:s3"
    std::string_view action;      // "startExecution", without the call pattern
    std::string_view parameters;  // names between spaces; '!': must be there, '/': one of
};

/// All of them.
std::vector<ServiceAction> service_actions();
/// nullptr: this server has no such action.
const ServiceAction* find_action(std::string_view service, std::string_view action);

/// What is wrong with parameters of these names, in AWS's words; empty where nothing is.
std::vector<std::string> wrong_parameters(const ServiceAction& action,
                                          const std::vector<std::string_view>& given);

}  // namespace tandem::asl
