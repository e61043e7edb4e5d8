#include "api/durabletask/service.h"

#include "api/durabletask/work_stream.h"
#include "base/encoding.h"

namespace tandem::durabletask {

namespace {

std::string metadata(const Context& context, const char* name) {
    const auto& all = context.client_metadata();
    const auto it = all.find(name);
    return it == all.end() ? std::string() : std::string(it->second.data(), it->second.size());
}

}  // namespace

tl::expected<std::string, grpc::Status> Service::admit(const Context& context) const {
    if (!secret_.empty()) {
        std::string given = metadata(context, "authorization");
        constexpr std::string_view kBearer = "Bearer ";
        if (given.starts_with(kBearer)) given.erase(0, kBearer.size());
        else given = metadata(context, "x-api-key");
        if (!equal_constant_time(given, secret_)) {
            return tl::unexpected(refuse(
                grpc::StatusCode::UNAUTHENTICATED,
                "This server asks for its secret access key, as the metadata 'authorization: "
                "Bearer KEY' or 'x-api-key: KEY'."));
        }
    }
    std::string hub = metadata(context, "taskhub");
    if (hub.empty()) hub = metadata(context, "durable-taskhub");
    if (hub.empty()) hub = "default";
    if (const auto bad = bad_hub(hub))
        return tl::unexpected(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
    return hub;
}

Unary* Service::in_hub_later(
    Context* context, std::function<void(const std::shared_ptr<Call>&, const std::string&)> work) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        const bool posted = work_.post([call, hub, work = std::move(work)] { work(call, hub); });
        if (!posted)
            call->end(
                refuse(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many requests are waiting"));
    });
}

void Service::drain() {
    std::set<std::shared_ptr<WorkStream>> streams;
    {
        const std::lock_guard lock(streams_mutex_);
        is_draining_ = true;
        streams.swap(streams_);
    }
    for (const auto& stream : streams) stream->end(grpc::Status::OK);
}

Unary* Service::Hello(Context* context, const Empty*, Empty*) {
    return in_hub(context, [](const auto& call, const auto&) { call->end(grpc::Status::OK); });
}

Unary* Service::CreateTaskHub(Context* context, const CreateTaskHubRequest*,
                              CreateTaskHubResponse*) {
    return in_hub_later(context, [this](const auto& call, const auto& hub) {
        const auto made = hubs_.make(hub);
        call->end(made ? grpc::Status::OK : to_status(made.error()));
    });
}

Unary* Service::DeleteTaskHub(Context* context, const DeleteTaskHubRequest*,
                              DeleteTaskHubResponse*) {
    return in_hub_later(context, [this](const auto& call, const auto& hub) {
        const auto gone = hubs_.forget(hub);
        call->end(gone ? grpc::Status::OK : to_status(gone.error()));
    });
}

}  // namespace tandem::durabletask
