#include "api/aws/gate.h"

#include <gtest/gtest.h>

namespace tandem::aws {
namespace {

class OneDoor : public AwsDoor {
public:
    std::string_view service() const override { return "states"; }
    bool owns(const net::HttpRequest& r) const override { return r.path() == "/mine"; }
    bool is_self_proving(const net::HttpRequest& r) const override { return r.query() == "proof"; }
    void handle(net::HttpRequest, net::HttpReply reply) override {
        reply(rest_reply(200, json::Value::object({{"ok", true}})));
    }
    net::HttpResponse failure(const ApiError& e) const override { return rest_failure(e); }
};

class GateTest : public ::testing::Test {
protected:
    net::HttpResponse send(net::HttpRequest request, bool verify = true) {
        GateOptions options;
        options.verify_signatures = verify;
        options.secret_of = [](std::string_view id) {
            return id == "AKID" ? std::optional<std::string>("secret") : std::nullopt;
        };
        AwsGate gate(options, {&door_});
        net::HttpResponse out;
        gate.handle(std::move(request), [&](net::HttpResponse r) { out = std::move(r); });
        return out;
    }
    static net::HttpRequest request(std::string target = "/mine") {
        net::HttpRequest r;
        r.method = "POST";
        r.target = std::move(target);
        r.headers.set("Host", "localhost");
        return r;
    }
    static net::HttpRequest signed_request(std::string key, std::string secret, std::string service,
                                           Timestamp at = system_clock().now()) {
        net::HttpRequest r = request();
        net::sign(r, {std::move(key), std::move(secret), ""}, {"us-east-1", std::move(service)},
                  at);
        return r;
    }
    static std::string_view error_of(const net::HttpResponse& r) {
        return r.headers.get_or("x-amzn-ErrorType", "none");
    }
    OneDoor door_;
};

TEST_F(GateTest, VerifiesAgainstTheDoorsService) {
    EXPECT_EQ(send(signed_request("AKID", "secret", "states")).status, 200);
    EXPECT_EQ(error_of(send(signed_request("AKID", "wrong", "states"))),
              "InvalidSignatureException");
    EXPECT_EQ(error_of(send(signed_request("AKID", "secret", "lambda"))),
              "InvalidSignatureException");
    EXPECT_EQ(error_of(send(signed_request("OTHER", "secret", "states"))),
              "UnrecognizedClientException");
    const auto old = system_clock().now() - std::chrono::hours(1);
    EXPECT_EQ(error_of(send(signed_request("AKID", "secret", "states", old))),
              "InvalidSignatureException");
    const auto none = send(request());
    EXPECT_EQ(none.status, 403);
    EXPECT_EQ(error_of(none), "MissingAuthenticationTokenException");
    net::HttpRequest garbled = request();
    garbled.headers.set("Authorization", "AWS4-HMAC-SHA256 nonsense");
    EXPECT_EQ(error_of(send(garbled)), "IncompleteSignatureException");
}

TEST_F(GateTest, TakesAnythingWithoutVerification) {
    EXPECT_EQ(send(request(), false).status, 200);
    EXPECT_EQ(send(request("/mine?proof")).status, 200);
}

TEST_F(GateTest, AnswersWhatBelongsToNobody) {
    const auto r = send(request("/other"));
    EXPECT_EQ(r.status, 404);
    EXPECT_EQ(error_of(r), "UnknownOperationException");
    EXPECT_NE(r.headers.find("x-amzn-RequestId"), nullptr);
}

}  // namespace
}  // namespace tandem::aws
