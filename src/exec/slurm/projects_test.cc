#include "exec/slurm/projects.h"

#include <gtest/gtest.h>

namespace tandem::slurm {
namespace {

constexpr const char* kRole = "arn:aws:iam::123456789012:role/teams/climate";

json::Value value_of(const char* text) { return *json::parse(text); }

TEST(SlurmProjects, AJobGetsWhatItsProjectHas) {
    const Projects projects = {{"climate", {"alice", "phys", "long", {"main", "low"}, {}}}};
    EXPECT_EQ(
        *as_project(projects, kRole, value_of(R"({"Name":"n"})")),
        value_of(
            R"({"Name":"n","Account":"phys","Qos":"long","Partition":"main","As":{"Project":"climate","User":"alice"}})"));
    const auto same =
        as_project(projects, kRole, value_of(R"({"Account":"phys","Partition":"low,main"})"));
    ASSERT_TRUE(same.has_value());
    EXPECT_EQ(same->string_or("Partition", ""), "low,main");
    EXPECT_EQ(*as_project({}, kRole, value_of(R"({"Account":"x"})")),
              value_of(R"({"Account":"x"})"))
        << "without projects everything stays as it is";
}

TEST(SlurmProjects, NoOtherRoleAndNothingElseIsGranted) {
    const Projects projects = {
        {"climate", {"alice", "phys", "long", {"main"}, {}}},
        {"other", {"bob", "", "", {}, {"arn:aws:iam::123456789012:role/exact", "named"}}}};
    const std::tuple<const char*, const char*, const char*> refused[] = {
        {"arn:aws:iam::123456789012:role/stranger", "{}", "belongs to no project"},
        {"", "{}", "belongs to no project"},
        {"arn:aws:iam::123456789012:role/x/exact", "{}", "belongs to no project"},
        {kRole, R"({"Account":"else"})", "have the Account 'phys', not 'else'"},
        {kRole, R"({"Qos":"short"})", "have the Qos 'long'"},
        {kRole, R"({"Partition":"low"})", "may not use the partition 'low'"},
        {kRole, R"({"Partition":"main,low"})", "may not use the partition 'low'"},
        {kRole, R"({"Partition":"main,"})", "may not use the partition ''"},
    };
    for (const auto& [role, parameters, words] : refused) {
        const auto answer = as_project(projects, role, value_of(parameters));
        ASSERT_FALSE(answer.has_value()) << role << parameters;
        EXPECT_EQ(answer.error().code, ErrorCode::kPermissionDenied);
        EXPECT_NE(answer.error().message.find(words), std::string::npos) << answer.error().message;
    }
    for (const char* role : {"arn:aws:iam::123456789012:role/exact", "arn:aws:iam::1:role/named"})
        EXPECT_EQ(as_project(projects, role, value_of("{}"))->find(kAs)->string_or("User", ""),
                  "bob");
}

TEST(SlurmProjects, BadOnesAreNamed) {
    const std::pair<Projects, const char*> cases[] = {
        {{{"p", {"-x", "", "", {}, {}}}}, "[projects.p] user: no name of a user"},
        {{{"p", {"u", "a b", "", {}, {}}}}, "[projects.p] account"},
        {{{"p", {"u", "", "", {""}, {}}}}, "[projects.p] partitions"},
        {{{"p", {"u", "", "", {}, {}}}, {"q", {"v", "", "", {}, {"p"}}}},
         "[projects.q] roles: the role 'p' belongs to the project 'p' already"},
    };
    for (const auto& [projects, words] : cases) {
        const auto answer = check_projects(projects);
        ASSERT_FALSE(answer.has_value()) << words;
        EXPECT_NE(answer.error().message.find(words), std::string::npos) << answer.error().message;
    }
}

}  // namespace
}  // namespace tandem::slurm
