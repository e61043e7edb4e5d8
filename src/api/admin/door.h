// AdminDoor: the few questions that AWS has no action for, under /tandem/v1, signed for the service
// "tandem" like any AWS request. It serves the command line:
//   GET /tandem/v1/executions/{arn}/waiting     what an execution waits for, and why; `now` is the
//                                               clock that its times are told by
//   GET /tandem/v1/functions/{name}/logs?bytes= the end of a function's log, as text
// Safe from every thread.
#pragma once

#include "api/aws/door.h"

namespace tandem::admin {

class AdminDoor final : public aws::AwsDoor {
public:
    explicit AdminDoor(aws::Context context) : context_(context) {}
    std::string_view service() const override { return "tandem"; }
    bool owns(const net::HttpRequest& request) const override;
    void handle(net::HttpRequest request, net::HttpReply reply) override;
    net::HttpResponse failure(const aws::ApiError& error) const override;

private:
    void waiting(std::string_view arn, net::HttpReply reply);
    net::HttpResponse logs(std::string_view function, std::string_view query) const;
    aws::Context context_;
};

}  // namespace tandem::admin
