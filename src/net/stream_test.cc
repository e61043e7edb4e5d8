#include "net/stream.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

namespace tandem::net {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

/// One end, with what it has heard.
class End {
public:
    explicit End(std::shared_ptr<ByteStream> stream, bool echoes = false) : stream_(stream) {
        stream->start({.bytes =
                           [this, echoes](std::string_view bytes) {
                               if (echoes) stream_->send(std::string(bytes));
                               const std::lock_guard lock(mutex_);
                               heard_ += bytes;
                               changed_.notify_all();
                           },
                       .closed =
                           [this] {
                               const std::lock_guard lock(mutex_);
                               closed_ = true;
                               changed_.notify_all();
                           },
                       .drained = [this] { drained_++; }});
    }
    ~End() {
        stream_->close();
        EXPECT_TRUE(wait_closed());
    }
    bool wait_heard(size_t bytes) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, [&] { return heard_.size() >= bytes; });
    }
    bool wait_closed() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, [&] { return closed_; });
    }
    std::string heard() {
        const std::lock_guard lock(mutex_);
        return heard_;
    }
    ByteStream& stream() { return *stream_; }
    std::atomic<int> drained_{0};

private:
    std::shared_ptr<ByteStream> stream_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string heard_;
    bool closed_ = false;
};

/// A certificate for "localhost", signed by itself.
struct Certificate {
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("tandem-stream-" + std::to_string(::getpid()));
    std::string certificate = directory / "cert.pem", key = directory / "key.pem";

    Certificate() {
        std::filesystem::create_directories(directory);
        EVP_PKEY* pair = EVP_EC_gen("P-256");
        X509* x = X509_new();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -60);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_set_pubkey(x, pair);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(x));
        X509_sign(x, pair, EVP_sha256());
        FILE* out = std::fopen(certificate.c_str(), "w");
        PEM_write_X509(out, x);
        std::fclose(out);
        out = std::fopen(key.c_str(), "w");
        PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(out);
        X509_free(x);
        EVP_PKEY_free(pair);
    }
    ~Certificate() { std::filesystem::remove_all(directory); }
};

class StreamTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        HttpServerOptions options;
        options.idle_timeout_ms = 50;
        if (GetParam()) {
            options.tls_certificate = certificate_.certificate;
            options.tls_key = certificate_.key;
        }
        auto server = HttpServer::listen(*loops_, options, [this](HttpRequest r, HttpReply reply) {
            answer(std::move(r), std::move(reply));
        });
        ASSERT_TRUE(server.has_value()) << server.error().message;
        server_ = std::move(*server);
    }
    void TearDown() override {
        const std::lock_guard lock(mutex_);
        ends_.clear();
        server_->stop();
        loops_->stop();
    }
    void answer(HttpRequest request, HttpReply reply) {
        HttpResponse response;
        if (request.path() == "/refused") {
            response.status = 403;
            response.body = Payload("not you");
            return reply(std::move(response));
        }
        response.status = 101;
        response.headers.add("Connection", "Upgrade");
        response.headers.add("Upgrade", "test");
        if (request.path() != "/dropped") {
            const bool echoes = request.path() == "/echo";
            response.upgraded = [this, echoes](std::shared_ptr<ByteStream> stream) {
                const std::lock_guard lock(mutex_);
                ends_.push_back(std::make_unique<End>(std::move(stream), echoes));
                changed_.notify_all();
            };
        } else {
            response.upgraded = [](const std::shared_ptr<ByteStream>&) {};
        }
        reply(std::move(response));
    }
    std::string url() const {
        return (GetParam() ? "https://localhost:" : "http://127.0.0.1:") +
               std::to_string(server_->port());
    }
    Result<StreamAnswer> dial(std::string target, StreamOptions options = {}) {
        if (options.url.empty()) options.url = url();
        options.ca_file = certificate_.certificate;
        HttpRequest request;
        request.target = std::move(target);
        request.headers.add("Connection", "Upgrade");
        request.headers.add("Upgrade", "test");
        std::promise<Result<StreamAnswer>> promise;
        auto future = promise.get_future();
        connect_stream(*loops_, options, request,
                       [&](Result<StreamAnswer> answer) { promise.set_value(std::move(answer)); });
        return future.get();
    }
    std::unique_ptr<End> connect(std::string target) {
        auto answer = dial(std::move(target));
        EXPECT_TRUE(answer.has_value()) << answer.error().message;
        if (!answer || !answer->stream) return nullptr;
        EXPECT_EQ(answer->status, 101);
        return std::make_unique<End>(answer->stream);
    }
    End& server_end() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return !ends_.empty(); }));
        return *ends_.back();
    }

    Certificate certificate_;
    std::unique_ptr<EventLoops> loops_ = EventLoops::start(2);
    std::unique_ptr<HttpServer> server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::unique_ptr<End>> ends_;
};

TEST_P(StreamTest, CarriesBytesBothWaysFromManyThreads) {
    const auto end = connect("/echo");
    ASSERT_TRUE(end);
    constexpr size_t kThreads = 4, kEach = 500;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (size_t i = 0; i < kEach; ++i)
                EXPECT_TRUE(end->stream().send(std::string(100, char('a' + t)) + "\n"));
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(end->wait_heard(kThreads * kEach * 101));
    // What one send() was given stays together.
    const std::string heard = end->heard();
    for (size_t at = 0; at < heard.size(); at += 101) {
        EXPECT_EQ(heard.substr(at, 100), std::string(100, heard[at]));
        EXPECT_EQ(heard[at + 100], '\n');
    }
}

TEST_P(StreamTest, OutlivesTheIdleTimeout) {
    const auto end = connect("/echo");
    ASSERT_TRUE(end);
    std::this_thread::sleep_for(300ms);  // six times the idle timeout
    EXPECT_TRUE(end->stream().send("still here"));
    EXPECT_TRUE(end->wait_heard(10));
    EXPECT_EQ(server_->connections(), 1u);
}

TEST_P(StreamTest, QueuesForAPeerThatDoesNotRead) {
    const auto end = connect("/silent");
    ASSERT_TRUE(end);
    End& server = server_end();
    server.stream().pause_reading(true);
    constexpr size_t kBlock = 1024 * 1024;
    size_t sent = 0;
    while (end->stream().queued_bytes() < 4 * kBlock) {
        ASSERT_TRUE(end->stream().send(std::string(kBlock, 'x')));
        sent += kBlock;
        ASSERT_LT(sent, 200 * kBlock);
    }
    server.stream().pause_reading(false);
    ASSERT_TRUE(server.wait_heard(sent));
    EXPECT_EQ(server.heard().size(), sent);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (end->drained_ == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_GE(end->drained_, 1);
    EXPECT_EQ(end->stream().queued_bytes(), 0u);
}

TEST_P(StreamTest, ClosesAfterSending) {
    const auto end = connect("/silent");
    ASSERT_TRUE(end);
    End& server = server_end();
    EXPECT_TRUE(end->stream().send(std::string(3'000'000, 'y')));
    end->stream().close_after_sending(20'000);
    EXPECT_TRUE(server.wait_closed());
    EXPECT_EQ(server.heard().size(), 3'000'000u);
    EXPECT_TRUE(end->wait_closed());
    EXPECT_FALSE(end->stream().send("late"));
}

TEST_P(StreamTest, TellsWhatARefusalSays) {
    const auto answer = dial("/refused");
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 403);
    EXPECT_EQ(answer->body, "not you");
    EXPECT_EQ(answer->stream, nullptr);
}

TEST_P(StreamTest, AStreamThatNobodyTakesIsClosed) {
    const auto end = connect("/dropped");
    ASSERT_TRUE(end);
    EXPECT_TRUE(end->wait_closed());
}

TEST_P(StreamTest, DrainClosesStreamsAndStopEndsWithThem) {
    const auto end = connect("/silent");
    ASSERT_TRUE(end);
    End& server = server_end();
    const auto began = std::chrono::steady_clock::now();
    server_->drain(20'000);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s) << "a stream is no open request";
    EXPECT_TRUE(server.wait_closed());
    EXPECT_TRUE(end->wait_closed());
    server_->stop();
    EXPECT_EQ(server_->connections(), 0u);
}

TEST_P(StreamTest, NobodyListens) {
    server_->stop();
    const auto answer = dial("/echo", {.url = "http://127.0.0.1:1", .ca_file = {}});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    const auto odd = dial("/echo", {.url = "gopher://x", .ca_file = {}});
    ASSERT_FALSE(odd.has_value());
    EXPECT_EQ(odd.error().code, ErrorCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Plain, StreamTest, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Tls, StreamTest, testing::Values(true));

class RawStreamTest : public testing::Test {};

/// The client does not wait for the answer before it sends more.
TEST_F(RawStreamTest, BytesThatCameWithTheRequestAreDelivered) {
    const auto loops = EventLoops::start(1);
    std::promise<std::string> heard;
    auto server = HttpServer::listen(*loops, {}, [&](HttpRequest, HttpReply reply) {
        HttpResponse response;
        response.status = 101;
        response.upgraded = [&](std::shared_ptr<ByteStream> stream) {
            stream->start({.bytes =
                               [&, stream](std::string_view b) {
                                   heard.set_value(std::string(b));
                                   stream->close();
                               },
                           .closed = [] {},
                           .drained = {}});
        };
        reply(std::move(response));
    });
    ASSERT_TRUE(server.has_value());
    std::promise<Result<StreamAnswer>> promise;
    HttpRequest request;
    // A header's end, then more, in one segment: the last field's value is where they can go.
    request.target = "/x HTTP/1.1\r\nHost: x\r\n\r\nearly bytes";
    StreamOptions options;
    options.url = "http://127.0.0.1:" + std::to_string((*server)->port());
    connect_stream(*loops, options, request, [&](Result<StreamAnswer> a) { promise.set_value(a); });
    EXPECT_EQ(heard.get_future().get().substr(0, 11), "early bytes");
    (void)promise.get_future().get();
    (*server)->stop();
    loops->stop();
}

TEST_F(RawStreamTest, AServerThatSaysNothingTimesOut) {
    const auto loops = EventLoops::start(1);
    auto server = HttpServer::listen(*loops, {}, [](HttpRequest, HttpReply) {});
    ASSERT_TRUE(server.has_value());
    StreamOptions options;
    options.url = "http://127.0.0.1:" + std::to_string((*server)->port());
    options.timeout_ms = 50;
    std::promise<Result<StreamAnswer>> promise;
    connect_stream(*loops, options, {}, [&](Result<StreamAnswer> a) { promise.set_value(a); });
    const auto answer = promise.get_future().get();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kTimeout);
    (*server)->stop();
    loops->stop();
}

}  // namespace
}  // namespace tandem::net
