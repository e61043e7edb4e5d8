#include <gtest/gtest.h>
#include <unistd.h>

#include "server/config.h"
#include "server/credentials.h"
#include "server/embedded_workers.h"

namespace tandem {
namespace {

TEST(Config, ReadsEverySection) {
    Config config;
    ASSERT_TRUE(apply_toml("[server]\nlisten = \"127.0.0.2:99\"\nlog_level = "
                           "\"debug\"\n[aws]\nregion = \"eu-west-1\"\n[limits]\nshards = 4\n",
                           config)
                    .has_value());
    EXPECT_EQ(config.address, "127.0.0.2");
    EXPECT_EQ(config.port, 99);
    EXPECT_EQ(config.region, "eu-west-1");
    EXPECT_EQ(config.limits.shards, 4u);
}

TEST(Config, RefusesWhatItDoesNotKnowOrCannotTake) {
    for (const char* text :
         {"[limits]\nshard = 4\n", "[limits]\nshards = 0\n", "[limits]\nshards = \"4\"\n",
          "[server]\nlisten = \"nowhere\"\n", "[server]\nlisten = \"a:70000\"\n",
          "[server]\ncolour = \"red\"\n", "[other]\na = 1\n", "a = 1\n", "[server\n",
          "[server]\nlog_level = \"loud\"\n", "[aws]\nauth = 1\n",
          "[server]\nnetwork_threads = 0\n"}) {
        Config config;
        EXPECT_FALSE(apply_toml(text, config).has_value()) << text;
    }
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
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 29);
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
