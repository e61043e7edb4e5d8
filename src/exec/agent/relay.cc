#include "exec/agent/relay.h"

#include "base/encoding.h"
#include "base/log.h"
#include "exec/agent/protocol.h"
#include "net/stream.h"
#include "net/url.h"

namespace tandem {

namespace {

// Of one direction: then the faster side is not read from.
constexpr size_t kQueueBytes = 4 * 1024 * 1024;
constexpr int64_t kClosingMs = 5'000;  // for what is on its way when one side closes

/// Two streams that are one. Each holds the other until either closes.
void join(const std::shared_ptr<net::ByteStream>& from,
          const std::shared_ptr<net::ByteStream>& to) {
    from->start({.bytes =
                     [from, to](std::string_view bytes) {
                         to->send(std::string(bytes));
                         if (to->queued_bytes() > kQueueBytes) from->pause_reading(true);
                         // It may have gone out in between: then nobody would say so.
                         if (to->queued_bytes() == 0) from->pause_reading(false);
                     },
                 .closed = [to] { to->close_after_sending(kClosingMs); },
                 .drained = [to] { to->pause_reading(false); }});
}

net::HttpResponse plain(int status, std::string text) {
    net::HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = Payload(std::move(text));
    return response;
}

net::HttpResponse unreachable(const Error& error) {
    log_warning("the server cannot be reached", {{"reason", error.message}});
    return plain(502, "the relay cannot reach the server: " + error.message);
}

class Relay final : public AgentRelay {
public:
    Relay(net::EventLoops& loops, AgentRelayOptions options)
        : loops_(loops), options_(std::move(options)) {}

    Result<void> open() {
        if (const auto url = net::parse_url(options_.url); !url)
            return tl::unexpected<Error>(url.error());
        auto server = net::HttpServer::listen(
            loops_, options_.listen, [this](net::HttpRequest request, net::HttpReply reply) {
                pass_on(std::move(request), std::move(reply));
            });
        if (!server) return tl::unexpected<Error>(server.error());
        server_ = std::move(*server);
        return {};
    }
    uint16_t port() const override { return server_->port(); }
    size_t connections() const override { return server_->connections(); }
    void stop() override { server_->stop(); }

private:
    void pass_on(net::HttpRequest request, net::HttpReply reply) {
        if (request.path() == "/healthz") return reply(plain(200, "ok\n"));
        if (request.method == "POST" && !options_.hints_path.empty() &&
            request.path().starts_with(options_.hints_path + "/"))
            return pass_hint(request, std::move(reply));
        if (request.path() != agent::kConnectPath || request.method != "GET" ||
            request.headers.find("Upgrade") == nullptr)
            return reply(plain(404, "this is a relay: only agents connect here\n"));
        net::HttpRequest onward;
        onward.target = request.target;
        for (const char* name : {"Connection", "Upgrade", "Authorization"})
            onward.headers.add(name, std::string(request.headers.get_or(name, "")));
        net::connect_stream(
            loops_, to_server(), std::move(onward),
            [reply = std::move(reply)](Result<net::StreamAnswer> answer) {
                if (!answer) return reply(unreachable(answer.error()));
                if (answer->status != 101) return reply(plain(answer->status, answer->body));
                net::HttpResponse response;
                response.status = 101;
                response.headers.add("Connection", "Upgrade");
                response.headers.add("Upgrade", std::string(agent::kUpgrade));
                // An agent that hung up meanwhile never takes it.
                const auto up = std::shared_ptr<net::ByteStream>(
                    answer->stream.get(),
                    [stream = answer->stream](net::ByteStream*) { stream->close(); });
                response.upgraded = [up](const std::shared_ptr<net::ByteStream>& down) {
                    join(down, up);
                    join(up, down);
                };
                reply(std::move(response));
            });
    }

    void pass_hint(const net::HttpRequest& request, net::HttpReply reply) {
        net::HttpRequest onward;
        onward.method = "POST";
        onward.target = std::string(request.path());
        onward.headers.add("Content-Length", "0");
        onward.headers.add("Connection", "close");
        net::connect_stream(loops_, to_server(), std::move(onward),
                            [reply = std::move(reply)](Result<net::StreamAnswer> answer) {
                                if (!answer) return reply(unreachable(answer.error()));
                                if (answer->stream) answer->stream->close();
                                reply(plain(answer->status, answer->body));
                            });
    }

    net::StreamOptions to_server() const {
        net::StreamOptions stream;
        stream.url = options_.url;
        stream.ca_file = options_.ca_file;
        stream.verify_tls = options_.verify_tls;
        return stream;
    }

    net::EventLoops& loops_;
    const AgentRelayOptions options_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

Result<std::unique_ptr<AgentRelay>> AgentRelay::start(net::EventLoops& loops,
                                                      AgentRelayOptions options) {
    auto relay = std::make_unique<Relay>(loops, std::move(options));
    if (auto opened = relay->open(); !opened) return tl::unexpected<Error>(opened.error());
    return Result<std::unique_ptr<AgentRelay>>(std::move(relay));
}

}  // namespace tandem
