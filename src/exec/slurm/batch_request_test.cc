#include "exec/slurm/batch_request.h"

#include <gtest/gtest.h>

#include "exec/slurm/request.h"

namespace tandem::slurm {
namespace {

json::Value value_of(const std::string& text) { return *json::parse(text); }

Definitions definitions() {
    return *Definitions::read(
        {{"heat", value_of(R"({"Command":["heat","Ref::size","xRef::size"],"Mpi":"pmix"})")},
         {"odd:2", value_of(R"({"Script":"#!/bin/sh\n"})")}});
}

std::string batch(const std::string& more) {
    return R"({"JobName":"n","JobQueue":"main","JobDefinition":"heat")" + more + "}";
}

TEST(SlurmBatch, OverridesBecomeTheJobsParameters) {
    const auto job = from_batch(
        value_of(
            R"({"JobName":"a-1_b","JobQueue":"arn:aws:batch:eu-west-1:123456789012:job-queue/low",
            "JobDefinition":"arn:aws:batch:eu-west-1:123456789012:job-definition/heat:7",
            "ArrayProperties":{"Size":20},"DependsOn":[{"JobId":"12"}],"Parameters":{"size":"64"},
            "ContainerOverrides":{"Environment":[{"Name":"A","Value":"1"}],"Vcpus":2,
            "ResourceRequirements":[{"Type":"MEMORY","Value":"512"},{"Type":"GPU","Value":"1"}]},
            "RetryStrategy":{"Attempts":3},"Timeout":{"AttemptDurationSeconds":90},
            "Tags":{"team":"x"}})"),
        definitions());
    ASSERT_TRUE(job.has_value()) << job.error().message;
    EXPECT_EQ(job->parameters,
              value_of(
                  R"({"Name":"a-1_b","Partition":"low","Array":{"Size":20},"DependsOn":["12"],
            "Command":["heat","64","xRef::size"],"Mpi":"pmix","Environment":{"A":"1"},
            "CpusPerTask":2,"MemoryMiB":512,"Gpus":"1","RetryStrategy":{"Attempts":3},
            "TimeLimitSeconds":90})"));
    EXPECT_TRUE(read_request(job->parameters).has_value());
    EXPECT_EQ(job->told.find("Tags")->string_or("team", ""), "x");
    EXPECT_EQ(job->told.find("Container")->find("Command")->as_array().size(), 3u);
}

TEST(SlurmBatch, NodesAndCommands) {
    const auto job = from_batch(
        value_of(batch(
            R"(,"NodeOverrides":{"NumNodes":4,"NodePropertyOverrides":[{"TargetNodes":"0:3",
            "ContainerOverrides":{"Command":["other","Ref::unknown"]}}]})")),
        definitions());
    ASSERT_TRUE(job.has_value()) << job.error().message;
    EXPECT_EQ(job->parameters, value_of(R"({"Name":"n","Partition":"main","Nodes":4,
                          "Command":["other","Ref::unknown"],"Mpi":"pmix"})"));
    EXPECT_TRUE(from_batch(value_of(R"({"JobName":"n","JobQueue":"q","JobDefinition":"odd:2"})"),
                           definitions())
                    .has_value());
}

TEST(SlurmBatch, WhatHasNoMeaningIsRefused) {
    const std::pair<std::string, const char*> cases[] = {
        {"[]", "must be an object"},
        {R"({"JobQueue":"q","JobDefinition":"heat"})", "'JobName' must be"},
        {R"({"JobName":"a b","JobQueue":"q","JobDefinition":"heat"})", "'JobName' must be"},
        {R"({"JobName":"n","JobDefinition":"heat"})", "'JobQueue' must name"},
        {R"({"JobName":"n","JobQueue":"q","JobDefinition":"other:1"})", "'JobDefinition' is not"},
        {R"({"JobName":"n","JobQueue":"q","JobDefinition":"heat:x"})", "'JobDefinition' is not"},
        {batch(R"(,"ShareIdentifier":"s")"), "'ShareIdentifier' has no meaning on Slurm"},
        {batch(R"(,"EksPropertiesOverride":{})"), "'EksPropertiesOverride' has no meaning"},
        {batch(R"(,"ArrayProperties":{"Size":1})"), "'Size' must be between 2"},
        {batch(R"(,"ArrayProperties":{"Size":2,"X":1})"), "'X' is not supported"},
        {batch(R"(,"DependsOn":[{"JobId":"1","Type":"N_TO_N"}])"), "'DependsOn' must be"},
        {batch(R"(,"ContainerOverrides":{"InstanceType":"m5"})"),
         "'InstanceType' is not supported"},
        {batch(R"(,"ContainerOverrides":{"Environment":{"A":"1"}})"), "'Environment' must be"},
        {batch(R"(,"ContainerOverrides":{"Environment":[{"Name":"AWS_BATCH_X","Value":"1"}]})"),
         "'Environment' must be"},
        {batch(
             R"(,"ContainerOverrides":{"ResourceRequirements":[{"Type":"VCPU","Value":"0.25"}]})"),
         "'ResourceRequirements' must be"},
        {batch(R"(,"ContainerOverrides":{"ResourceRequirements":[{"Type":"TPU","Value":"1"}]})"),
         "'ResourceRequirements' must be"},
        {batch(R"(,"NodeOverrides":{"NodePropertyOverrides":[{"TargetNodes":"0:1"}]})"),
         "'NodePropertyOverrides' must be"},
        {batch(R"(,"NodeOverrides":7)"), "'NodeOverrides' must be an object"},
        {batch(R"(,"Timeout":{"AttemptDurationSeconds":"9"})"), "must be an INTEGER"},
        {batch(R"(,"Parameters":{"a":1})"), "'Parameters' must be"},
        {batch(R"(,"Batch":{})"), "'Batch' is not supported"},
    };
    for (const auto& [text, words] : cases) {
        const auto job = from_batch(value_of(text), definitions());
        ASSERT_FALSE(job.has_value()) << text;
        EXPECT_NE(job.error().message.find(words), std::string::npos) << job.error().message;
    }
}

}  // namespace
}  // namespace tandem::slurm
