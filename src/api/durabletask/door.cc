#include "api/durabletask/door.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_interceptor.h>

#include <fstream>
#include <sstream>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

namespace {

constexpr int kKeepAliveMs = 60'000;
constexpr int kPingEveryMs = 5'000;  // a client may, without being told to go away
constexpr auto kDrain = std::chrono::seconds(2);

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::shared_ptr<grpc::ServerCredentials> credentials(const DoorOptions& options) {
    if (options.tls_certificate.empty()) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({content(options.tls_key), content(options.tls_certificate)});
    return grpc::SslServerCredentials(tls);
}

/// gRPC answers a request that does not parse with a bare UNIMPLEMENTED, which SDKs take for a
/// server without that rpc. No rpc of ours says so.
class MalformedWords final : public grpc::experimental::ServerInterceptorFactoryInterface {
public:
    grpc::experimental::Interceptor* CreateServerInterceptor(
        grpc::experimental::ServerRpcInfo* rpc) override {
        const std::string_view path = rpc->method() == nullptr ? "" : rpc->method();
        const size_t end = std::min(path.rfind('/') + 1, path.size());
        const bool is_ours =
            service_ != nullptr && path.substr(0, end) == "/" + service_->full_name() + "/" &&
            service_->FindMethodByName(std::string(path.substr(end))) != nullptr;
        return is_ours ? new Words : nullptr;
    }

private:
    const google::protobuf::ServiceDescriptor* const service_ =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            TaskHubSidecarService::service_full_name());

    class Words final : public grpc::experimental::Interceptor {
        void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
            using Point = grpc::experimental::InterceptionHookPoints;
            if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
                const grpc::Status status = methods->GetSendStatus();
                if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
                    status.error_message().empty())
                    methods->ModifySendStatus(
                        refuse(grpc::StatusCode::INVALID_ARGUMENT, "The request is malformed."));
            }
            methods->Proceed();
        }
    };
};

class GrpcDoor final : public DurableTaskDoor {
public:
    GrpcDoor(const DoorOptions& options, Engine& engine, WorkItems& work_items,
             WorkItems::Later later)
        : service_(engine, work_items, std::move(later), options.secret) {}
    ~GrpcDoor() override { drain(); }

    bool listen(const DoorOptions& options) {
        grpc::ServerBuilder builder;
        const bool v6 = options.address.find(':') != std::string::npos;
        builder.AddListeningPort((v6 ? "[" + options.address + "]" : options.address) + ":" +
                                     std::to_string(options.port),
                                 credentials(options), &port_);
        builder.RegisterService(&service_);
        std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> words;
        words.push_back(std::make_unique<MalformedWords>());
        builder.experimental().SetInterceptorCreators(std::move(words));
        builder.SetMaxReceiveMessageSize(int(kRequestBytes));
        builder.SetMaxSendMessageSize(-1);
        // Two servers on one port would share its callers.
        builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                                   kPingEveryMs);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
        server_ = builder.BuildAndStart();
        return server_ != nullptr && port_ != 0;
    }
    uint16_t port() const override { return uint16_t(port_); }
    void drain() override {
        if (!server_) return;
        service_.drain();
        server_->Shutdown(std::chrono::system_clock::now() + kDrain);
        server_->Wait();
        service_.close();
        server_.reset();
    }

private:
    Service service_;
    int port_ = 0;
    std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<DurableTaskDoor>> DurableTaskDoor::listen(const DoorOptions& options,
                                                                 Engine& engine,
                                                                 WorkItems& work_items,
                                                                 WorkItems::Later later) {
    auto door = std::make_unique<GrpcDoor>(options, engine, work_items, std::move(later));
    if (!door->listen(options)) {
        return fail(ErrorCode::kIo, "cannot listen for Durable Task clients on " + options.address +
                                        ":" + std::to_string(options.port) +
                                        "; [server] grpc_port says where");
    }
    return Result<std::unique_ptr<DurableTaskDoor>>(std::move(door));
}

}  // namespace tandem::durabletask
