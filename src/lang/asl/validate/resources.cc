// The resources of Step Functions: functions, activities, SDK calls and the optimised integrations.
// Source: "Integrating other services", Developer Guide.
#include <algorithm>

#include "lang/asl/integration/service_actions.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

constexpr uint8_t kCall = 1, kSync = 2, kToken = 4, kSync2 = 8;

struct Service {
    std::string_view api;  // "service:action"
    uint8_t patterns;
};

constexpr Service kOptimised[] = {
    {"apigateway:invoke", kCall | kToken},
    {"athena:getQueryExecution", kCall},
    {"athena:getQueryResults", kCall},
    {"athena:startQueryExecution", kCall | kSync},
    {"athena:stopQueryExecution", kCall},
    {"batch:submitJob", kCall | kSync | kToken},  // AWS has it without a token
    {"bedrock:createModelCustomizationJob", kCall | kSync},
    {"bedrock:invokeModel", kCall},
    {"codebuild:batchDeleteBuilds", kCall},
    {"codebuild:batchGetReports", kCall},
    {"codebuild:retryBuildBatch", kCall | kSync},
    {"codebuild:startBuild", kCall | kSync},
    {"codebuild:startBuildBatch", kCall | kSync},
    {"codebuild:stopBuild", kCall},
    {"codebuild:stopBuildBatch", kCall},
    {"databrew:startJobRun", kCall | kSync},
    {"durable-task:startOrchestration", kCall | kSync},  // this server's own
    {"dynamodb:deleteItem", kCall},
    {"dynamodb:getItem", kCall},
    {"dynamodb:putItem", kCall},
    {"dynamodb:updateItem", kCall},
    {"ecs:runTask", kCall | kSync | kToken},
    {"eks:call", kCall},
    {"eks:createCluster", kCall | kSync},
    {"eks:createFargateProfile", kCall | kSync},
    {"eks:createNodegroup", kCall | kSync},
    {"eks:deleteCluster", kCall | kSync},
    {"eks:deleteFargateProfile", kCall | kSync},
    {"eks:deleteNodegroup", kCall | kSync},
    {"eks:runJob", kCall | kSync},
    {"elasticmapreduce:addStep", kCall | kSync},
    {"elasticmapreduce:cancelStep", kCall},
    {"elasticmapreduce:createCluster", kCall | kSync},
    {"elasticmapreduce:modifyInstanceFleetByName", kCall},
    {"elasticmapreduce:modifyInstanceGroupByName", kCall},
    {"elasticmapreduce:setClusterTerminationProtection", kCall},
    {"elasticmapreduce:terminateCluster", kCall | kSync},
    {"emr-containers:cancelJobRun", kCall},
    {"emr-containers:createVirtualCluster", kCall},
    {"emr-containers:deleteVirtualCluster", kCall | kSync},
    {"emr-containers:startJobRun", kCall | kSync},
    {"emr-serverless:cancelJobRun", kCall | kSync},
    {"emr-serverless:createApplication", kCall | kSync},
    {"emr-serverless:deleteApplication", kCall | kSync},
    {"emr-serverless:startApplication", kCall | kSync},
    {"emr-serverless:startJobRun", kCall | kSync},
    {"emr-serverless:stopApplication", kCall | kSync},
    {"events:putEvents", kCall | kToken},
    {"glue:startJobRun", kCall | kSync},
    {"http:invoke", kCall},
    {"lambda:invoke", kCall | kToken},
    {"mediaconvert:createJob", kCall | kSync},
    {"sagemaker:createEndpoint", kCall},
    {"sagemaker:createEndpointConfig", kCall},
    {"sagemaker:createHyperParameterTuningJob", kCall | kSync},
    {"sagemaker:createLabelingJob", kCall | kSync},
    {"sagemaker:createModel", kCall},
    {"sagemaker:createProcessingJob", kCall | kSync},
    {"sagemaker:createTrainingJob", kCall | kSync},
    {"sagemaker:createTransformJob", kCall | kSync},
    {"sagemaker:updateEndpoint", kCall},
    {"slurm:submitJob", kCall | kSync | kToken},  // this server's own
    {"sns:publish", kCall | kToken},
    {"sqs:sendMessage", kCall | kToken},
    {"states:startExecution", kCall | kSync | kToken | kSync2},
};

/// The call pattern that ends `api`, which loses it.
uint8_t take_pattern(std::string_view& api) {
    constexpr std::pair<std::string_view, uint8_t> kEnds[] = {
        {".sync", kSync}, {".sync:2", kSync2}, {".waitForTaskToken", kToken}};
    for (const auto& [end, pattern] : kEnds) {
        if (!api.ends_with(end)) continue;
        api.remove_suffix(end.size());
        return pattern;
    }
    return kCall;
}

}  // namespace

const ServiceAction* called_action(std::string_view resource) {
    constexpr std::string_view kService = ":states:::";
    const size_t start = resource.find(kService);
    if (start == std::string_view::npos) return nullptr;
    std::string_view rest = resource.substr(start + kService.size());
    take_pattern(rest);
    const size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos) return nullptr;
    return find_action(rest.substr(0, colon), rest.substr(colon + 1));
}

bool is_known_resource(std::string_view resource) {
    if (!resource.starts_with("arn:")) return false;
    const size_t partition_end = resource.find(':', 4);
    if (partition_end == std::string_view::npos) return false;
    std::string_view rest = resource.substr(partition_end + 1);
    if (rest.starts_with("lambda:")) return rest.find(":function:") != std::string_view::npos;
    if (!rest.starts_with("states:")) return false;
    if (!rest.starts_with("states:::")) return rest.find(":activity:") != std::string_view::npos;
    rest.remove_prefix(std::string_view("states:::").size());
    const uint8_t pattern = take_pattern(rest);
    if (rest.starts_with("aws-sdk:")) {
        return pattern != kSync && pattern != kSync2 &&
               std::count(rest.begin(), rest.end(), ':') == 2;
    }
    return std::any_of(std::begin(kOptimised), std::end(kOptimised), [&](const Service& service) {
        return service.api == rest && (service.patterns & pattern) != 0;
    });
}

}  // namespace tandem::asl
