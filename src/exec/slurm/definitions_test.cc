#include "exec/slurm/definitions.h"

#include <gtest/gtest.h>

namespace tandem::slurm {
namespace {

json::Value value_of(const char* text) { return *json::parse(text); }

Definitions definitions(const char* text) {
    auto read = Definitions::read({{"heat", value_of(text)}});
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return read ? *read : Definitions();
}

TEST(SlurmDefinitions, GiveWhatTheJobDoesNot) {
    const Definitions known = definitions(
        R"({"Script":"#!/bin/sh\ntrue\n","Nodes":2,"Environment":{"A":"1","B":"2"},"Mpi":"pmix"})");
    EXPECT_EQ(
        *known.complete(value_of(
            R"({"Name":"n","JobDefinition":"heat","Nodes":3,"Environment":{"B":"3","C":"4"}})")),
        value_of(
            R"({"Name":"n","Nodes":3,"Environment":{"A":"1","B":"3","C":"4"},"Script":"#!/bin/sh\ntrue\n","Mpi":"pmix"})"));
    EXPECT_EQ(
        *known.complete(value_of(R"({"JobDefinition":"heat","Command":["x"],"Nodes":null})")),
        value_of(R"({"Command":["x"],"Nodes":2,"Environment":{"A":"1","B":"2"},"Mpi":"pmix"})"));
    EXPECT_EQ(*known.complete(value_of(R"({"Name":"n"})")), value_of(R"({"Name":"n"})"));
}

TEST(SlurmDefinitions, AnUnknownOneIsRefused) {
    const Definitions known = definitions("{}");
    for (const char* text :
         {R"({"JobDefinition":"other"})", R"({"JobDefinition":7})", R"({"JobDefinition":""})"}) {
        const auto refused = known.complete(value_of(text));
        ASSERT_FALSE(refused.has_value()) << text;
        EXPECT_NE(refused.error().message.find("'JobDefinition' is not"), std::string::npos);
    }
}

TEST(SlurmDefinitions, ABadOneIsNamed) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"Nodes":0})", "[job_definitions.bad]: The value for the field 'Nodes' must be"},
        {R"({"Extra":1})", "'Extra' is not supported"},
        {R"({"Name":"n"})", "'Name' is each job's own"},
        {R"({"Command":["x"],"Script":"#!/bin/sh\n"})", "either a 'Command' or a 'Script'"},
        {"7", "expected a section"},
    };
    for (const auto& [text, words] : cases) {
        const auto refused = Definitions::read({{"bad", value_of(text)}});
        ASSERT_FALSE(refused.has_value()) << text;
        EXPECT_NE(refused.error().message.find(words), std::string::npos)
            << refused.error().message;
    }
}

}  // namespace
}  // namespace tandem::slurm
