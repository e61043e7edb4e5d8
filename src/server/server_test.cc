#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "api/services/services.h"
#include "lang/asl/integration/service_actions.h"
#include "server/buckets.h"
#include "server/config.h"
#include "server/credentials.h"
#include "server/embedded_workers.h"

namespace tandem {
namespace {

TEST(Config, ReadsEverySection) {
    Config config;
    ASSERT_TRUE(apply_toml("[server]\nlisten = \"127.0.0.2:99\"\nlog_level = "
                           "\"debug\"\n[aws]\nregion = \"eu-west-1\"\nopen_map_runs = 7\n"
                           "[limits]\nshards = 4\n",
                           config)
                    .has_value());
    EXPECT_EQ(config.address, "127.0.0.2");
    EXPECT_EQ(config.port, 99);
    EXPECT_EQ(config.region, "eu-west-1");
    EXPECT_EQ(config.limits.shards, 4u);
    EXPECT_EQ(config.open_map_runs, 7u);
}

/// A definition is refused where it names anything else; what it may name can be called.
TEST(Services, WhatDefinitionsMayCallIsWhatCanBeCalled) {
    std::vector<std::string> named;
    for (const asl::ServiceAction& action : asl::service_actions())
        named.push_back(std::string(action.service) + ":" + std::string(action.action));
    std::vector<std::string> called = services::installed_actions();
    std::sort(named.begin(), named.end());
    std::sort(called.begin(), called.end());
    EXPECT_EQ(named, called);
    EXPECT_EQ(std::adjacent_find(named.begin(), named.end()), named.end());
}

TEST(Config, RefusesWhatItDoesNotKnowOrCannotTake) {
    for (const char* text :
         {"[limits]\nshard = 4\n", "[limits]\nshards = 0\n", "[limits]\nshards = \"4\"\n",
          "[server]\nlisten = \"nowhere\"\n", "[server]\nlisten = \"a:70000\"\n",
          "[server]\ncolour = \"red\"\n", "[other]\na = 1\n", "a = 1\n", "[server\n",
          "[server]\nlog_level = \"loud\"\n", "[aws]\nauth = 1\n",
          "[server]\nnetwork_threads = 0\n", "[aws]\nopen_map_runs = 0\n",
          "[aws]\nopen_map_runs = \"7\"\n"}) {
        Config config;
        EXPECT_FALSE(apply_toml(text, config).has_value()) << text;
    }
}

TEST(Config, NamesJobDefinitionsAndProjects) {
    Config config;
    ASSERT_TRUE(apply_toml("[job_definitions.heat]\nNodes = 2\nCommand = [\"a\", \"b\"]\n"
                           "Environment = {A = \"1\"}\n[projects.climate]\naccount = \"phys\"\n"
                           "partitions = [\"main\"]\n",
                           config)
                    .has_value());
    EXPECT_EQ(config.job_definitions.at("heat"),
              *json::parse(R"({"Nodes":2,"Command":["a","b"],"Environment":{"A":"1"}})"));
    EXPECT_EQ(config.projects.at("climate").partitions, std::vector<std::string>{"main"});
    EXPECT_TRUE(check_config(config).has_value());
    const std::pair<const char*, const char*> refused[] = {
        {"[job_definitions.x]\nNodes = 0\n",
         "[job_definitions.x]: The value for the field 'Nodes'"},
        {"[job_definitions]\nx = 1\n", "[job_definitions.x]: expected a section"},
        {"[job_definitions.x]\nNodes = 1979-05-27\n", "expected texts, numbers"},
        {"[projects.x]\nuser = \"no-such-user\"\n", "no user 'no-such-user'"},
        {"[projects.x]\nuser = 1\n", "[projects.x] user: expected a string"},
        {"[projects.x]\nroles = \"r\"\n", "expected a list of strings"},
        {"[projects.x]\ncolour = \"red\"\n", "colour: no such setting"},
    };
    for (const auto& [text, words] : refused) {
        Config bad;
        auto ok = apply_toml(text, bad);
        if (ok) ok = check_config(bad);
        ASSERT_FALSE(ok.has_value()) << text;
        EXPECT_NE(ok.error().message.find(words), std::string::npos) << ok.error().message;
    }
}

TEST(Config, NamesBuckets) {
    Config config;
    ASSERT_TRUE(apply_toml("[buckets]\ndirectory = \"b\"\n[buckets.near]\npath = \"/p\"\n"
                           "[buckets.\"far.away\"]\nendpoint = \"https://s3:9000\"\n"
                           "bucket = \"real\"\naccess_key = \"k\"\nsecret_key = \"s\"\n",
                           config)
                    .has_value());
    EXPECT_EQ(config.buckets_directory, "b");
    EXPECT_EQ(config.buckets.at("near").path, "/p");
    EXPECT_EQ(config.buckets.at("far.away").bucket, "real");
    for (const char* text :
         {"[buckets]\ndirectory = 1\n", "[buckets]\ndirectory = \"\"\n", "[buckets]\nx = \"y\"\n",
          "[buckets.a]\n", "[buckets.a]\npath = \"p\"\nendpoint = \"http://e\"\n",
          "[buckets.a]\npath = \"p\"\ncolour = \"red\"\n",
          "[buckets.a]\nendpoint = \"http://e\"\naccess_key = \"k\"\n",
          "[buckets.a]\nendpoint = \"http://e\"\naccess_key = \"k\"\nsecret_key = \"s\"\n"
          "credentials = \"f\"\n"}) {
        Config refused;
        EXPECT_FALSE(apply_toml(text, refused).has_value()) << text;
    }
}

TEST(Config, NamesPools) {
    Config config;
    const std::string slurm = "[slurm]\ndirectory = \"/d\"\n";
    const auto read =
        apply_toml(slurm +
                       "[pools.cpu]\ncpus = 8\naway_s = 0\n"
                       "[pools.spare]\npartition = \"low\"\nharvest = true\nretry_pool = \"cpu\"\n",
                   config);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(config.pools.at(0).cpus, 8);
    EXPECT_EQ(config.pools.at(0).away_s, 0);
    EXPECT_EQ(config.pools.at(1).away_s, 600);
    EXPECT_EQ(config.pools.at(1).retry_pool, "cpu");
    for (const char* text :
         {"[pools]\na = 1\n", "[pools.\"a b\"]\n", "[pools.a]\ncpus = 0\n",
          "[pools.a]\npartition = \"a b\"\n", "[pools.a]\npartition = \"--x\"\n",
          "[pools.a]\nmin_pilots = 2\n", "[pools.a]\nwalltime_minutes = 1\ndrain_s = 60\n",
          "[pools.a]\nsuccessor_s = 59\n", "[pools.a]\naway_s = -1\n", "[pools.a]\nother = 1\n",
          "[pools.a]\nretry_pool = \"b\"\n", "[pools.a]\nharvest = true\nretry_pool = \"b/c\"\n"}) {
        Config refused;
        EXPECT_FALSE(apply_toml(slurm + text, refused).has_value()) << text;
    }
}

TEST(Config, NamesConnections) {
    Config config;
    const auto read = apply_toml(
        "[connections.api]\nauthorization = \"BASIC\"\nusername = \"u\"\npassword = \"p\"\n"
        "headers = { \"X-Team\" = \"blue\" }\n"
        "[connections.tokens]\nauthorization = \"OAUTH_CLIENT_CREDENTIALS\"\nclient_id = \"i\"\n"
        "client_secret = \"s\"\nauthorization_endpoint = \"http://t/token\"\nallow_http = true\n"
        "[connections.open]\nauthorization = \"NONE\"\n",
        config);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(config.connections.at("api").secret, "p");
    EXPECT_EQ(config.connections.at("api").headers.at(0).second, "blue");
    EXPECT_EQ(config.connections.at("tokens").endpoint, "http://t/token");
    for (const char* text :
         {"[connections]\na = 1\n", "[connections.a]\n", "[connections.a]\nauthorization = 1\n",
          "[connections.a]\nauthorization = \"BASIC\"\nusername = \"u\"\n",
          "[connections.a]\nauthorization = \"NONE\"\npassword = \"u\"\n",
          "[connections.a]\nauthorization = \"NONE\"\nheaders = 1\n",
          "[connections.a]\nauthorization = \"NONE\"\nheaders = { a = 1 }\n",
          "[connections.a]\nauthorization = \"OAUTH_CLIENT_CREDENTIALS\"\nclient_id = \"i\"\n"
          "client_secret = \"s\"\nauthorization_endpoint = \"http://t/token\"\n"}) {
        Config refused;
        EXPECT_FALSE(apply_toml(text, refused).has_value()) << text;
    }
}

TEST(Config, OpensBuckets) {
    namespace fs = std::filesystem;
    Config config;
    config.data = fs::temp_directory_path() / ("tandem-buckets-" + std::to_string(::getpid()));
    fs::create_directories(config.data / "elsewhere");
    config.buckets["near"].path = config.data / "elsewhere";
    const auto buckets = open_buckets(config);
    ASSERT_TRUE(buckets.has_value()) << buckets.error().message;
    EXPECT_TRUE((*buckets)->open("near").value()->put("k", "v").has_value());
    EXPECT_TRUE(fs::exists(config.data / "elsewhere/k"));
    EXPECT_TRUE((*buckets)->create("made").has_value());
    EXPECT_TRUE(fs::exists(config.data / "buckets/made"));
    config.buckets["far"].endpoint = "http://127.0.0.1:1";
    config.buckets["far"].bucket = "real-name";
    EXPECT_TRUE(open_buckets(config).has_value());  // it may be started later
    config.buckets["far"].credentials = config.data / "no-keys";
    EXPECT_EQ(open_buckets(config).error().code, ErrorCode::kNotFound);
    config.buckets["far"].credentials.clear();
    config.buckets["far"].endpoint = "somewhere";
    EXPECT_EQ(open_buckets(config).error().code, ErrorCode::kInvalidArgument);
    config.buckets.erase("far");
    config.buckets["none"].path = config.data / "none";
    EXPECT_EQ(open_buckets(config).error().code, ErrorCode::kNotFound);
    fs::remove_all(config.data);
}

TEST(Config, WithoutAuthenticationOnlyLoopback) {
    Config config;
    config.auth = false;
    EXPECT_TRUE(check_config(config).has_value());
    config.address = "0.0.0.0";
    EXPECT_FALSE(check_config(config).has_value());
    config.auth = true;
    EXPECT_TRUE(check_config(config).has_value());
    config.tls_key = "k";
    EXPECT_FALSE(check_config(config).has_value());
}

TEST(Config, DescribesEveryLimit) {
    const std::string text = describe_limits();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 34);
    Config config;
    EXPECT_TRUE(apply_toml("[limits]\n" + text, config).has_value());
}

TEST(Credentials, AreMadeOnceAndKeptPrivate) {
    const auto directory = std::filesystem::temp_directory_path() /
                           ("tandem-credentials-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    const auto first = load_or_make_credentials(directory);
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(first->fresh);
    EXPECT_EQ(first->key.access_key_id.size(), 20u);
    EXPECT_EQ(first->key.secret_access_key.size(), 40u);
    EXPECT_EQ(std::filesystem::status(directory / "credentials").permissions(),
              std::filesystem::perms(0600));
    const auto second = load_or_make_credentials(directory);
    EXPECT_FALSE(second->fresh);
    EXPECT_EQ(second->key.secret_access_key, first->key.secret_access_key);
    std::filesystem::remove_all(directory);
}

TEST(EmbeddedWorkers, AreTheFilesOfTheSourceTree) {
    bool python = false;
    for (const EmbeddedFile& file : embedded_workers())
        python = python || (file.name == "python/bootstrap.py" && !file.bytes.empty());
    EXPECT_TRUE(python);
}

}  // namespace
}  // namespace tandem
