// The suite of every bucket against a real S3 server: Ceph's RADOS Gateway, started by the lab's
// script. Skipped where the script (../shared/labs, or TANDEM_SHARED) or radosgw is missing.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/rng.h"
#include "store/conformance/bucket_conformance.h"
#include "store/s3/s3_client.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

fs::path labs() {
    if (const char* shared = std::getenv("TANDEM_SHARED")) return fs::path(shared) / "labs";
    const char* root = std::getenv("TANDEM_SOURCE_DIR");
    return fs::absolute(root != nullptr ? root : ".").parent_path() / "shared/labs";
}

uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

/// One server for all tests of the binary.
class Lab {
public:
    static Lab* running() {
        static Lab lab;
        return lab.is_up_ ? &lab : nullptr;
    }

    S3BucketOptions options(std::string bucket) const {
        S3BucketOptions out;
        out.endpoint = "http://127.0.0.1:" + std::to_string(port_);
        out.bucket = std::move(bucket);
        out.credentials = {"labkey", "labsecret", ""};
        return out;
    }

private:
    Lab() {
        if (!fs::exists(labs() / "rgw-up.sh") || std::system("command -v radosgw >/dev/null") != 0)
            return;
        is_up_ = run("rgw-up.sh") == 0;
        EXPECT_TRUE(is_up_);
    }
    ~Lab() {
        if (is_up_) run("rgw-down.sh");
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }
    int run(const char* script) const {
        return std::system(("RGW_LAB='" + directory_.string() +
                            "' RGW_PORT=" + std::to_string(port_) + " bash '" +
                            (labs() / script).string() + "' >/dev/null 2>&1")
                               .c_str());
    }

    // The mon's socket has a path of at most 107 bytes.
    fs::path directory_ = "/tmp/tandem-rgw-" + std::to_string(::getpid());
    uint16_t port_ = free_port();
    bool is_up_ = false;
};

class RgwPlace : public BucketPlace {
public:
    explicit RgwPlace(const S3BucketOptions& options) : bucket_(open_s3_bucket(options).value()) {
        s3::Client client(options);
        EXPECT_TRUE(client.open().has_value());
        const auto made = client.call({.method = "PUT"});
        EXPECT_TRUE(made.has_value()) << made.error().message;
    }
    Bucket& bucket() override { return *bucket_; }

private:
    std::shared_ptr<Bucket> bucket_;
};

std::unique_ptr<BucketPlace> make_place() {
    const Lab* lab = Lab::running();
    if (lab == nullptr) return nullptr;
    return std::make_unique<RgwPlace>(lab->options("b-" + random_uuid()));
}

INSTANTIATE_TEST_SUITE_P(Rgw, BucketConformance, ::testing::Values(BucketMaker{"rgw", make_place}));

class Rgw : public ::testing::Test {
protected:
    void SetUp() override {
        if (Lab::running() == nullptr) GTEST_SKIP() << "no lab here";
    }
};

TEST_F(Rgw, SaysWhatIsWrong) {
    S3BucketOptions options = Lab::running()->options("none-of-these");
    EXPECT_EQ(open_s3_bucket(options).value()->get("k").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(open_s3_bucket(options).value()->list({}).error().code, ErrorCode::kNotFound);
    options.credentials.secret_access_key = "wrong";
    EXPECT_EQ(open_s3_bucket(options).value()->get("k").error().code, ErrorCode::kPermissionDenied);
    options.credentials = {};
    EXPECT_EQ(open_s3_bucket(options).value()->get("k").error().code, ErrorCode::kNotFound);
}

TEST_F(Rgw, KeysThatADirectoryCannotHold) {
    RgwPlace place(Lab::running()->options("b-" + random_uuid()));
    for (const char* key : {"a", "a/", "a//b", "/lead", "a/b", " ", "+", "%2F", "x\ty", "\x01"}) {
        ASSERT_TRUE(place.bucket().put(key, key).has_value()) << key;
        EXPECT_EQ(place.bucket().get(key)->bytes, key);
    }
    const auto page = place.bucket().list({}).value();
    EXPECT_EQ(page.objects.size(), 10u);
    for (const ObjectInfo& object : page.objects)
        EXPECT_EQ(place.bucket().get(object.key)->bytes, object.key);
    EXPECT_EQ(place.bucket().put("a/../b", "x").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Rgw, KeepsContentTypes) {
    RgwPlace place(Lab::running()->options("b-" + random_uuid()));
    ASSERT_TRUE(place.bucket().put("k", "{}", {.content_type = "application/json"}).has_value());
    EXPECT_EQ(place.bucket().head("k")->content_type, "application/json");
    auto writer = place.bucket().writer("w", {.content_type = "text/csv"}).value();
    ASSERT_TRUE(writer->write(std::string(9'000'000, 'x')).has_value());
    ASSERT_TRUE(writer->finish().has_value());
    EXPECT_EQ(place.bucket().get("w", {0, 1})->info.content_type, "text/csv");
}

}  // namespace
}  // namespace tandem
