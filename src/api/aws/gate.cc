#include "api/aws/gate.h"

#include "base/rng.h"

namespace tandem::aws {

ApiError signature_error(const net::SigV4Failure& failure) {
    using Kind = net::SigV4Failure::Kind;
    std::string code;
    switch (failure.kind) {
        case Kind::kMissing: code = "MissingAuthenticationTokenException"; break;
        case Kind::kIncomplete: code = "IncompleteSignatureException"; break;
        case Kind::kUnknownKey: code = "UnrecognizedClientException"; break;
        case Kind::kBadSignature:
        case Kind::kExpired:
        case Kind::kWrongScope: code = "InvalidSignatureException"; break;
    }
    return ApiError{403, std::move(code), failure.message, {}, 0};
}

AwsDoor* AwsGate::door_of(const net::HttpRequest& request) const {
    for (AwsDoor* door : doors_) {
        if (door->owns(request)) return door;
    }
    return nullptr;
}

void AwsGate::handle(net::HttpRequest request, net::HttpReply reply) {
    AwsDoor* door = door_of(request);
    if (door == nullptr) {
        const ApiError unknown{404, "UnknownOperationException", "", {}, 0};
        with_request_id(std::move(reply), random_uuid())(json10_failure(unknown));
        return;
    }
    if (options_.verify_signatures && !door->is_self_proving(request)) {
        net::SigV4Policy policy;
        policy.scope = {options_.region, std::string(door->service())};
        policy.secret_of = options_.secret_of;
        if (const auto failure = net::verify(request, policy, options_.clock->now())) {
            with_request_id(std::move(reply),
                            random_uuid())(door->failure(signature_error(*failure)));
            return;
        }
    }
    door->handle(std::move(request), std::move(reply));
}

}  // namespace tandem::aws
