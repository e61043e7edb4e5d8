// AwsGate: the one entry for AWS requests. It picks the door (target header or path), verifies the
// signature against that door's service, and answers what belongs to no door as AWS does.
// Safe from every thread. It holds no state of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/aws/door.h"
#include "net/http.h"
#include "net/sigv4.h"

namespace tandem::aws {

struct GateOptions {
    std::string region = "us-east-1";
    bool verify_signatures = true;  // false: any or no signature will do
    std::function<std::optional<std::string>(std::string_view access_key_id)> secret_of;
    const Clock* clock = &system_clock();
};

class AwsGate {
public:
    /// The doors must outlive the gate.
    AwsGate(GateOptions options, std::vector<AwsDoor*> doors)
        : options_(std::move(options)), doors_(std::move(doors)) {}

    void handle(net::HttpRequest request, net::HttpReply reply);

private:
    AwsDoor* door_of(const net::HttpRequest& request) const;

    GateOptions options_;
    std::vector<AwsDoor*> doors_;
};

/// The exception that AWS names for a signature that was not accepted.
ApiError signature_error(const net::SigV4Failure& failure);

}  // namespace tandem::aws
