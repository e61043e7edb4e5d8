// The actions that tasks may call and what each takes: the APIs' members as SDKs name them, and of
// S3 those that this server's buckets can honour. A mark says that the action needs the member.
#include <algorithm>

#include "lang/asl/integration/service_actions.h"

namespace tandem::asl {

namespace {

constexpr ServiceAction kActions[] = {
    {"lambda", "invoke", "FunctionName! Payload InvocationType LogType ClientContext Qualifier"},
    {"states", "startExecution", "StateMachineArn! Input Name TraceHeader"},
    {"durable-task", "startOrchestration", "Name! Input TaskHub InstanceId Version Tags"},
    {"slurm", "submitJob",
     "Name! Command Script Mpi Partition Account Qos Constraint Reservation Nodes Tasks "
     "TasksPerNode CpusPerTask MemoryMiB Gpus TimeLimitMinutes TimeLimitSeconds WorkingDirectory "
     "Signal DependsOn Environment Array RetryStrategy JobDefinition "
     "StageIn StageOut"},
    {"batch", "submitJob",
     "JobName! JobQueue! JobDefinition! ArrayProperties ConsumableResourcePropertiesOverride "
     "ContainerOverrides DependsOn EcsPropertiesOverride EksPropertiesOverride NodeOverrides "
     "Parameters PropagateTags RetryStrategy SchedulingPriorityOverride ShareIdentifier Tags "
     "Timeout"},
    {"http", "invoke",
     "ApiEndpoint! Method! Authentication/InvocationConfig! Headers QueryParameters RequestBody "
     "Transform"},
    {"aws-sdk:sfn", "createActivity", "Name! Tags EncryptionConfiguration"},
    {"aws-sdk:sfn", "createStateMachine",
     "Name! Definition! RoleArn! Type LoggingConfiguration Tags TracingConfiguration Publish "
     "VersionDescription EncryptionConfiguration"},
    {"aws-sdk:sfn", "createStateMachineAlias", "Description Name! RoutingConfiguration!"},
    {"aws-sdk:sfn", "deleteActivity", "ActivityArn!"},
    {"aws-sdk:sfn", "deleteStateMachine", "StateMachineArn!"},
    {"aws-sdk:sfn", "deleteStateMachineAlias", "StateMachineAliasArn!"},
    {"aws-sdk:sfn", "deleteStateMachineVersion", "StateMachineVersionArn!"},
    {"aws-sdk:sfn", "describeActivity", "ActivityArn!"},
    {"aws-sdk:sfn", "describeExecution", "ExecutionArn! IncludedData"},
    {"aws-sdk:sfn", "describeMapRun", "MapRunArn!"},
    {"aws-sdk:sfn", "describeStateMachine", "StateMachineArn! IncludedData"},
    {"aws-sdk:sfn", "describeStateMachineAlias", "StateMachineAliasArn!"},
    {"aws-sdk:sfn", "describeStateMachineForExecution", "ExecutionArn! IncludedData"},
    {"aws-sdk:sfn", "getActivityTask", "ActivityArn! WorkerName"},
    {"aws-sdk:sfn", "getExecutionHistory",
     "ExecutionArn! MaxResults ReverseOrder NextToken IncludeExecutionData"},
    {"aws-sdk:sfn", "listActivities", "MaxResults NextToken"},
    {"aws-sdk:sfn", "listExecutions",
     "StateMachineArn StatusFilter MaxResults NextToken MapRunArn RedriveFilter"},
    {"aws-sdk:sfn", "listMapRuns", "ExecutionArn! MaxResults NextToken"},
    {"aws-sdk:sfn", "listStateMachineAliases", "StateMachineArn! NextToken MaxResults"},
    {"aws-sdk:sfn", "listStateMachineVersions", "StateMachineArn! NextToken MaxResults"},
    {"aws-sdk:sfn", "listStateMachines", "MaxResults NextToken"},
    {"aws-sdk:sfn", "listTagsForResource", "ResourceArn!"},
    {"aws-sdk:sfn", "publishStateMachineVersion", "StateMachineArn! RevisionId Description"},
    {"aws-sdk:sfn", "redriveExecution", "ExecutionArn! ClientToken"},
    {"aws-sdk:sfn", "sendTaskFailure", "TaskToken! Error Cause"},
    {"aws-sdk:sfn", "sendTaskHeartbeat", "TaskToken!"},
    {"aws-sdk:sfn", "sendTaskSuccess", "TaskToken! Output!"},
    {"aws-sdk:sfn", "startExecution", "StateMachineArn! Name Input TraceHeader"},
    {"aws-sdk:sfn", "startSyncExecution", "StateMachineArn! Name Input TraceHeader IncludedData"},
    {"aws-sdk:sfn", "stopExecution", "ExecutionArn! Error Cause"},
    {"aws-sdk:sfn", "tagResource", "ResourceArn! Tags!"},
    {"aws-sdk:sfn", "testState",
     "Definition! RoleArn Input InspectionLevel RevealSecrets Variables StateName Mock "
     "Context StateConfiguration"},
    {"aws-sdk:sfn", "untagResource", "ResourceArn! TagKeys!"},
    {"aws-sdk:sfn", "updateMapRun",
     "MapRunArn! MaxConcurrency ToleratedFailurePercentage ToleratedFailureCount"},
    {"aws-sdk:sfn", "updateStateMachine",
     "StateMachineArn! Definition RoleArn LoggingConfiguration TracingConfiguration Publish "
     "VersionDescription EncryptionConfiguration"},
    {"aws-sdk:sfn", "updateStateMachineAlias",
     "StateMachineAliasArn! Description RoutingConfiguration"},
    {"aws-sdk:sfn", "validateStateMachineDefinition", "Definition! Type Severity MaxResults"},
    {"aws-sdk:lambda", "createAlias",
     "FunctionName! Name! FunctionVersion! Description RoutingConfig"},
    {"aws-sdk:lambda", "createFunction",
     "FunctionName! Runtime Role! Handler Code! Description Timeout MemorySize Publish "
     "PublishTo VpcConfig PackageType DeadLetterConfig Environment KMSKeyArn TracingConfig "
     "Tags Layers FileSystemConfigs CodeSigningConfigArn ImageConfig Architectures "
     "EphemeralStorage SnapStart LoggingConfig TenancyConfig CapacityProviderConfig "
     "DurableConfig RuntimeConfig AcceleratorConfig"},
    {"aws-sdk:lambda", "deleteAlias", "FunctionName! Name!"},
    {"aws-sdk:lambda", "deleteFunction", "FunctionName! Qualifier"},
    {"aws-sdk:lambda", "deleteFunctionConcurrency", "FunctionName!"},
    {"aws-sdk:lambda", "getAccountSettings", ""},
    {"aws-sdk:lambda", "getAlias", "FunctionName! Name!"},
    {"aws-sdk:lambda", "getFunction", "FunctionName! Qualifier"},
    {"aws-sdk:lambda", "getFunctionConcurrency", "FunctionName!"},
    {"aws-sdk:lambda", "getFunctionConfiguration", "FunctionName! Qualifier"},
    {"aws-sdk:lambda", "invoke",
     "FunctionName! InvocationType LogType ClientContext DurableExecutionName Payload "
     "Qualifier TenantId"},
    {"aws-sdk:lambda", "listAliases", "FunctionName! FunctionVersion Marker MaxItems"},
    {"aws-sdk:lambda", "listFunctions", "MasterRegion FunctionVersion Marker MaxItems"},
    {"aws-sdk:lambda", "listTags", "Resource!"},
    {"aws-sdk:lambda", "listVersionsByFunction", "FunctionName! Marker MaxItems"},
    {"aws-sdk:lambda", "publishVersion",
     "FunctionName! CodeSha256 Description RevisionId PublishTo"},
    {"aws-sdk:lambda", "putFunctionConcurrency", "FunctionName! ReservedConcurrentExecutions!"},
    {"aws-sdk:lambda", "tagResource", "Resource! Tags!"},
    {"aws-sdk:lambda", "updateAlias",
     "FunctionName! Name! FunctionVersion Description RoutingConfig RevisionId"},
    {"aws-sdk:lambda", "updateFunctionCode",
     "FunctionName! ZipFile S3Bucket S3Key S3ObjectVersion S3ObjectStorageMode ImageUri "
     "Architectures Publish PublishTo DryRun RevisionId SourceKMSKeyArn"},
    {"aws-sdk:lambda", "updateFunctionConfiguration",
     "FunctionName! Role Handler Description Timeout MemorySize VpcConfig Environment "
     "Runtime DeadLetterConfig KMSKeyArn TracingConfig RevisionId Layers FileSystemConfigs "
     "ImageConfig EphemeralStorage SnapStart LoggingConfig CapacityProviderConfig "
     "DurableConfig RuntimeConfig AcceleratorConfig"},
    {"aws-sdk:s3", "copyObject",
     "Bucket! Key! CopySource! ExpectedBucketOwner RequestPayer ContentType "
     "MetadataDirective ChecksumAlgorithm ExpectedSourceBucketOwner StorageClass"},
    {"aws-sdk:s3", "createBucket", "Bucket! ACL CreateBucketConfiguration ObjectOwnership"},
    {"aws-sdk:s3", "deleteObject", "Bucket! Key! ExpectedBucketOwner RequestPayer"},
    {"aws-sdk:s3", "deleteObjects",
     "Bucket! Delete! ExpectedBucketOwner RequestPayer ChecksumAlgorithm"},
    {"aws-sdk:s3", "getObject", "Bucket! Key! ExpectedBucketOwner RequestPayer Range ChecksumMode"},
    {"aws-sdk:s3", "headBucket", "Bucket! ExpectedBucketOwner"},
    {"aws-sdk:s3", "headObject",
     "Bucket! Key! ExpectedBucketOwner RequestPayer Range ChecksumMode"},
    {"aws-sdk:s3", "listBuckets", ""},
    {"aws-sdk:s3", "listObjects",
     "Bucket! ExpectedBucketOwner RequestPayer Delimiter Marker MaxKeys Prefix"},
    {"aws-sdk:s3", "listObjectsV2",
     "Bucket! ExpectedBucketOwner RequestPayer ContinuationToken Delimiter FetchOwner "
     "MaxKeys Prefix StartAfter"},
    {"aws-sdk:s3", "putObject",
     "Bucket! Key! ExpectedBucketOwner RequestPayer Body ContentType ContentLength "
     "CacheControl ContentDisposition ContentEncoding ContentLanguage ChecksumAlgorithm "
     "IfNoneMatch StorageClass"},
};

/// The next name of a list, which loses it.
std::string_view take(std::string_view& names, char separator) {
    const size_t end = std::min(names.find(separator), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    return name;
}

}  // namespace

std::vector<ServiceAction> service_actions() { return {std::begin(kActions), std::end(kActions)}; }

const ServiceAction* find_action(std::string_view service, std::string_view action) {
    const auto found = std::find_if(
        std::begin(kActions), std::end(kActions),
        [&](const ServiceAction& a) { return a.service == service && a.action == action; });
    return found == std::end(kActions) ? nullptr : found;
}

std::vector<std::string> wrong_parameters(const ServiceAction& action,
                                          const std::vector<std::string_view>& given) {
    const auto has = [&](std::string_view name) {
        return std::find(given.begin(), given.end(), name) != given.end();
    };
    std::vector<std::string> out;
    std::vector<std::string_view> known;
    for (std::string_view left = action.parameters; !left.empty();) {
        std::string_view name = take(left, ' ');
        const bool is_needed = name.ends_with('!');
        if (is_needed) name.remove_suffix(1);
        const std::string_view first = name.substr(0, name.find('/'));
        bool is_there = false;
        while (!name.empty()) {
            known.push_back(take(name, '/'));
            is_there |= has(known.back());
        }
        if (is_needed && !is_there)
            out.push_back("The field '" + std::string(first) + "' is required but was missing");
    }
    for (const std::string_view name : given) {
        if (std::find(known.begin(), known.end(), name) == known.end())
            out.push_back("The field '" + std::string(name) +
                          "' is not supported by Step Functions");
    }
    return out;
}

}  // namespace tandem::asl
