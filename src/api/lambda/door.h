// LambdaDoor: AWS Lambda's REST API over the engine. routes.cc finds the action, one file answers
// each action or group. Everything but Invoke runs on the context's work queues, changes one at a
// time. Safe from every thread. Running functions is the engine's business.
#pragma once

#include <mutex>

#include "api/aws/door.h"
#include "api/lambda/code_link.h"

namespace tandem::lambda {

class LambdaDoor : public aws::AwsDoor {
public:
    explicit LambdaDoor(aws::Context context) : context_(context), links_(context) {}

    /// Paths of dated API versions, as Lambda's routes begin: /2015-03-31/functions/...
    static bool owns(std::string_view path);

    std::string_view service() const override { return "lambda"; }
    bool owns(const net::HttpRequest& request) const override { return owns(request.path()); }
    bool is_self_proving(const net::HttpRequest& request) const override {
        return CodeLinks::is_link(request);
    }
    void handle(net::HttpRequest request, net::HttpReply reply) override;
    net::HttpResponse failure(const aws::ApiError& error) const override {
        return aws::rest_failure(error);
    }

private:
    net::HttpResponse download(const net::HttpRequest& request) const;

    aws::Context context_;
    CodeLinks links_;
    std::mutex changes_;  // one change of a function at a time: they read, decide, write
};

}  // namespace tandem::lambda
