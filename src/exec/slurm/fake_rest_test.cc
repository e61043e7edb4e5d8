// The REST way against a server of the tests' own that answers as slurmrestd does, and as it should
// not.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/encoding.h"
#include "exec/slurm/jwt.h"
#include "exec/slurm/rest.h"
#include "json/value.h"
#include "net/http.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOpenApi = R"({"paths": {"/slurm/v0.0.38/job/submit": {}}})";

struct Answer {
    int status = 200;
    std::string body;
};

class FakeRest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/tandem-slurm-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = name;
        std::ofstream(root_ / "key") << "secret";
        loops_ = net::EventLoops::start(1);
        auto server = net::HttpServer::listen(
            *loops_, {}, [this](net::HttpRequest request, net::HttpReply reply) {
                const std::lock_guard lock(mutex_);
                const std::string call = request.method + " " + request.target;
                calls_.push_back(call);
                last_ = request;
                if (hangs_) {
                    owed_.push_back(std::move(reply));
                    return;
                }
                net::HttpResponse response;
                const auto it = answers_.find(call);
                response.status = it == answers_.end() ? 404 : it->second.status;
                response.body =
                    Payload(it == answers_.end() ? "Unable find requested URL." : it->second.body);
                reply(std::move(response));
            });
        ASSERT_TRUE(server);
        server_ = std::move(*server);
        options_.url = "http://127.0.0.1:" + std::to_string(server_->port());
        options_.user = "root";
        options_.key_file = root_ / "key";
        options_.timeout_ms = 10'000;
        answer("GET /openapi/v3", 200, kOpenApi);
    }
    void TearDown() override {
        server_->stop();
        server_.reset();
        owed_.clear();
        loops_.reset();
        fs::remove_all(root_);
    }

    void answer(const std::string& call, int status, std::string body) {
        const std::lock_guard lock(mutex_);
        answers_[call] = {status, std::move(body)};
    }
    void hang() {
        const std::lock_guard lock(mutex_);
        hangs_ = true;
    }
    std::vector<std::string> calls() {
        const std::lock_guard lock(mutex_);
        return std::exchange(calls_, {});
    }
    net::HttpRequest last() {
        const std::lock_guard lock(mutex_);
        return last_;
    }

    std::unique_ptr<Scheduler> slurm() {
        auto scheduler = make_rest(options_);
        EXPECT_TRUE(scheduler) << (scheduler ? "" : scheduler.error().message);
        return std::move(*scheduler);
    }
    static Submission job() {
        Submission submission;
        submission.name = "attempt-1";
        submission.script = "#!/bin/sh\ntrue\n";
        submission.environment["A"] = "1,2\n3";
        return submission;
    }
    ErrorCode submit_error(int status, std::string body) {
        answer("POST /slurm/v0.0.38/job/submit", status, std::move(body));
        const auto id = slurm()->submit(job());
        EXPECT_FALSE(id);
        return id ? ErrorCode::kNotFound : id.error().code;
    }
    ErrorCode find_error(int status, std::string body) {
        answer("GET /slurm/v0.0.38/job/1", status, std::move(body));
        const auto jobs = slurm()->find({1});
        EXPECT_FALSE(jobs);
        return jobs ? ErrorCode::kNotFound : jobs.error().code;
    }

    fs::path root_;
    RestOptions options_;
    std::unique_ptr<net::EventLoops> loops_;
    std::unique_ptr<net::HttpServer> server_;
    std::mutex mutex_;
    std::map<std::string, Answer> answers_;
    std::vector<std::string> calls_;
    std::vector<net::HttpReply> owed_;
    net::HttpRequest last_;
    bool hangs_ = false;
};

/// A server that reads what comes in and hangs up, or does what `speak` says.
class RawServer {
public:
    explicit RawServer(std::string reply) : reply_(std::move(reply)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            while (true) {
                const int fd = ::accept(listener_, nullptr, nullptr);
                if (fd < 0) return;
                char bytes[16'384];
                const ssize_t got = ::read(fd, bytes, sizeof bytes);
                if (got > 4 && std::string_view(bytes, 4) == "POST") ++posts;
                if (!reply_.empty() && ::write(fd, reply_.data(), reply_.size()) < 0) break;
                ::close(fd);
            }
        });
    }
    ~RawServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    uint16_t port() const { return port_; }
    std::atomic<int> posts = 0;

private:
    std::string reply_;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::thread thread_;
};

TEST_F(FakeRest, Submits) {
    answer("POST /slurm/v0.0.38/job/submit", 200, R"({"errors": [], "job_id": 42})");
    const auto scheduler = slurm();
    const auto id = scheduler->submit(job());
    ASSERT_TRUE(id) << id.error().message;
    EXPECT_EQ(*id, 42u);
    const net::HttpRequest request = last();
    EXPECT_EQ(request.headers.get_or("X-SLURM-USER-NAME", ""), "root");
    EXPECT_EQ(request.headers.get_or("Content-Type", ""), "application/json");
    const std::string token(request.headers.get_or("X-SLURM-USER-TOKEN", ""));
    const size_t dot = token.rfind('.');
    ASSERT_NE(dot, std::string::npos);
    std::string signature = base64_encode(hmac_sha256("secret", token.substr(0, dot)));
    for (char& c : signature) c = c == '+' ? '-' : c == '/' ? '_' : c;
    EXPECT_EQ(token.substr(dot + 1) + "=", signature);
    const auto body = json::parse(request.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->string_or("script", ""), "#!/bin/sh\ntrue\n");
    EXPECT_EQ(body->find("job")->find("environment")->string_or("A", ""), "1,2\n3");
    Submission other = job();
    other.user = "nobody";
    ASSERT_TRUE(scheduler->submit(other));
    EXPECT_EQ(last().headers.get_or("X-SLURM-USER-NAME", ""), "nobody");
    const std::vector<std::string> expected = {"GET /openapi/v3", "POST /slurm/v0.0.38/job/submit",
                                               "POST /slurm/v0.0.38/job/submit"};
    EXPECT_EQ(calls(), expected);
    other.environment["LD_PRELOAD"] = "x";
    EXPECT_EQ(scheduler->submit(other).error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(calls().empty());
}

TEST_F(FakeRest, JudgesTheBodyNotTheStatus) {
    EXPECT_EQ(
        submit_error(500, R"({"errors": [{"error_code": 2000, "error": "Invalid partition"}]})"),
        ErrorCode::kInvalidArgument);
    EXPECT_EQ(
        submit_error(200, R"({"errors": [{"error_code": 2000, "error": "Invalid partition"}]})"),
        ErrorCode::kInvalidArgument);
    EXPECT_EQ(submit_error(500, R"({"errors": [{"error_code": 5004, "error": "timed out"}]})"),
              ErrorCode::kTimeout);
    EXPECT_EQ(submit_error(500, R"({"errors": [{"error_code": 5005, "error": "Zero Bytes"}]})"),
              ErrorCode::kInternal);
    for (const char* garbage : {"", "oops", "{", "<html>{}</html>", "[]", "{}", "\xff{\xff}"}) {
        EXPECT_EQ(submit_error(500, garbage), ErrorCode::kInternal) << garbage;
        EXPECT_EQ(submit_error(200, garbage), ErrorCode::kInternal) << garbage;
        EXPECT_EQ(find_error(500, garbage), ErrorCode::kInternal) << garbage;
        EXPECT_EQ(find_error(200, garbage), ErrorCode::kInternal) << garbage;
    }
    answer("POST /slurm/v0.0.38/job/submit", 500,
           R"({"job_id": 9, "errors": [{"error_code": 2042, "error": "Job is in held state"}]})");
    EXPECT_EQ(*slurm()->submit(job()), 9u);
}

TEST_F(FakeRest, ARefusedTokenIsOurTrouble) {
    EXPECT_EQ(submit_error(401, "Authentication failure"), ErrorCode::kUnavailable);
    EXPECT_EQ(find_error(401, "Authentication failure"), ErrorCode::kUnavailable);
    answer("GET /openapi/v3", 401, "Authentication failure");
    EXPECT_EQ(submit_error(200, "{}"), ErrorCode::kUnavailable);
}

TEST_F(FakeRest, HangingIsATimeOut) {
    answer("POST /slurm/v0.0.38/job/submit", 200, R"({"job_id": 42})");
    options_.timeout_ms = 300;
    const auto scheduler = slurm();
    ASSERT_TRUE(scheduler->submit(job()));
    hang();
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kTimeout);
    EXPECT_EQ(scheduler->find({1}).error().code, ErrorCode::kTimeout);
    EXPECT_EQ(scheduler->cancel(1, "x").error().code, ErrorCode::kTimeout);
    // Nothing was submitted where the version could not even be asked for.
    EXPECT_EQ(slurm()->submit(job()).error().code, ErrorCode::kUnavailable);
}

TEST_F(FakeRest, NobodyListensIsCertain) {
    answer("POST /slurm/v0.0.38/job/submit", 200, R"({"job_id": 42})");
    const auto scheduler = slurm();
    ASSERT_TRUE(scheduler->submit(job()));
    server_->stop();
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(scheduler->find({1}).error().code, ErrorCode::kUnavailable);
    options_.url = "http://name.invalid:1";
    EXPECT_EQ(slurm()->submit(job()).error().code, ErrorCode::kUnavailable);
    options_.api_version = "v0.0.38";
    EXPECT_EQ(slurm()->submit(job()).error().code, ErrorCode::kUnavailable);
}

TEST_F(FakeRest, AConnectionLostMidwayIsNotSentAgain) {
    options_.api_version = "v0.0.38";
    for (const char* reply :
         {"", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"job_id\": 4", "garbage\r\n\r\n"}) {
        RawServer server(reply);
        options_.url = "http://127.0.0.1:" + std::to_string(server.port());
        const auto scheduler = slurm();
        (void)scheduler->find({1});  // leaves a connection that could be kept
        EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kInternal) << reply;
        EXPECT_EQ(server.posts, 1) << reply;
    }
}

TEST_F(FakeRest, FindsOneByOne) {
    answer("GET /slurm/v0.0.38/job/5", 200,
           R"({"errors": [], "jobs": [{"job_id": 5, "array_job_id": 5, "array_task_string": "1-9",
               "array_max_tasks": 0, "job_state": "PENDING", "name": "arr"},
              {"job_id": 6, "array_job_id": 5, "array_task_id": 0, "job_state": "RUNNING",
               "name": "arr"}]})");
    answer("GET /slurm/v0.0.38/job/6", 200,
           R"({"errors": [], "jobs": [{"job_id": 6, "array_job_id": 5, "array_task_id": 0,
               "job_state": "RUNNING", "name": "arr"}]})");
    answer("GET /slurm/v0.0.38/job/7", 500,
           R"({"errors": [{"error_number": 2017, "error": "Invalid job id specified"}],
               "jobs": []})");
    const auto jobs = slurm()->find({5, 6, 7});
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 2u);
    EXPECT_EQ((*jobs)[0].array_waiting, "1-9");
    EXPECT_EQ((*jobs)[1].array_index, 0u);
    // One that cannot be asked for leaves all in doubt.
    answer("GET /slurm/v0.0.38/job/7", 500,
           R"({"errors": [{"error_number": -1, "error": "Unspecified error"}], "jobs": []})");
    EXPECT_EQ(slurm()->find({5, 6, 7}).error().code, ErrorCode::kInternal);
}

TEST_F(FakeRest, AsksAccounting) {
    const auto scheduler = slurm();
    EXPECT_EQ(scheduler->find_past({1}).error().code, ErrorCode::kUnsupported) << "404";
    answer("GET /slurmdb/v0.0.38/job/1", 200,
           R"({"errors": [], "jobs": [{"job_id": 1, "name": "old", "state": {"current": "FAILED"}},
               {"job_id": 1, "name": "new", "state": {"current": "COMPLETED"}}]})");
    answer("GET /slurmdb/v0.0.38/job/2", 200,
           R"({"errors": [{"error_number": 9003, "error": "Nothing found with query"}],
               "jobs": []})");
    const auto jobs = scheduler->find_past({1, 2});
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 2u);
    EXPECT_EQ((*jobs)[0].name, "old");
    EXPECT_EQ((*jobs)[1].state, JobState::kCompleted);
    answer("GET /slurmdb/v0.0.38/job/2", 200,
           R"({"errors": [{"error_number": 7000, "error": "Unable to connect to database"}]})");
    EXPECT_EQ(scheduler->find_past({1, 2}).error().code, ErrorCode::kUnavailable);
    for (const char* garbage : {"", "oops", "{", "[]", "{}", "\xff{\xff}"}) {
        answer("GET /slurmdb/v0.0.38/job/2", 500, garbage);
        EXPECT_EQ(scheduler->find_past({2}).error().code, ErrorCode::kInternal) << garbage;
    }
    // What slurmrestd has of slurmctld is not forgotten for it.
    EXPECT_EQ(std::count(calls_.begin(), calls_.end(), "GET /openapi/v3"), 1);
    options_.past_timeout_ms = 200;
    options_.api_version = "v0.0.38";
    hang();
    EXPECT_EQ(slurm()->find_past({1}).error().code, ErrorCode::kTimeout);
}

TEST_F(FakeRest, FindsByNameInOneList) {
    answer("GET /slurm/v0.0.38/jobs", 200,
           R"({"errors": [], "jobs": [{"job_id": 1, "name": "x"}, {"job_id": 2, "name": "x2"},
               {"job_id": 3, "name": "x"}, {"job_id": 4}]})");
    const auto scheduler = slurm();
    const auto jobs = scheduler->find_named("x");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 2u);
    EXPECT_EQ((*jobs)[1].id, 3u);
    EXPECT_EQ(calls().size(), 2u);
    EXPECT_EQ(scheduler->find_named("a,b").error().code, ErrorCode::kInvalidArgument);
    options_.answer_bytes = 50;
    options_.api_version = "v0.0.38";
    EXPECT_EQ(slurm()->find_named("x").error().code, ErrorCode::kInternal);
}

TEST_F(FakeRest, CancelsWithTheNameAsGuard) {
    const auto scheduler = slurm();
    answer("DELETE /slurm/v0.0.38/job/7", 200, R"({"errors": []})");
    answer("GET /slurm/v0.0.38/job/7", 200,
           R"({"errors": [], "jobs": [{"job_id": 7, "name": "others", "job_state": "RUNNING"}]})");
    EXPECT_TRUE(scheduler->cancel(7, "mine"));
    EXPECT_NE(calls().back().substr(0, 6), "DELETE") << "the number is another job's now";
    EXPECT_TRUE(scheduler->cancel(7, "others"));
    EXPECT_EQ(calls().back(), "DELETE /slurm/v0.0.38/job/7");
    EXPECT_TRUE(scheduler->cancel(7, ""));
    EXPECT_EQ(calls(), std::vector<std::string>{"DELETE /slurm/v0.0.38/job/7"});
    answer("DELETE /slurm/v0.0.38/job/7", 500,
           R"({"errors": [{"error_number": 2002, "error": ""}]})");
    EXPECT_EQ(scheduler->cancel(7, "others").error().code, ErrorCode::kPermissionDenied);
    answer("DELETE /slurm/v0.0.38/job/7", 500,
           R"({"errors": [{"error_number": 2017, "error": ""}]})");
    EXPECT_TRUE(scheduler->cancel(7, "others"));
    answer("GET /slurm/v0.0.38/job/7", 500, R"({"errors": [{"error_number": 2017, "error": ""}]})");
    EXPECT_TRUE(scheduler->cancel(7, "others"));
}

TEST_F(FakeRest, TokensOfOthers) {
    answer("POST /slurm/v0.0.38/job/submit", 200, R"({"errors": [], "job_id": 42})");
    options_.key_file.clear();
    options_.token_file = root_ / "token";
    const auto scheduler = slurm();
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kUnavailable);
    std::ofstream(root_ / "token") << "SLURM_JWT=a.b.c\n";
    ASSERT_TRUE(scheduler->submit(job()));
    EXPECT_EQ(last().headers.get_or("X-SLURM-USER-TOKEN", ""), "a.b.c");
    std::ofstream(root_ / "token") << "d.e.f";
    ASSERT_TRUE(scheduler->submit(job()));
    EXPECT_EQ(last().headers.get_or("X-SLURM-USER-TOKEN", ""), "d.e.f");
    Submission other = job();
    other.user = "nobody";
    EXPECT_EQ(scheduler->submit(other).error().code, ErrorCode::kPermissionDenied);
    std::ofstream(root_ / "token") << make_token("key", "u", system_clock().now(), -10);
    const auto expired = scheduler->submit(job());
    EXPECT_EQ(expired.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(expired.error().message.find("has expired"), std::string::npos);
    std::ofstream(root_ / "token") << "a\r\nX-Evil: 1";
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kUnavailable);
}

TEST_F(FakeRest, SpeaksWhatTheOtherSideSpeaks) {
    answer("GET /openapi/v3", 200,
           R"({"paths": {"/slurm/v0.0.39/job/submit": {}, "/slurm/v0.0.41/job/submit": {}}})");
    answer("POST /slurm/v0.0.41/job/submit", 200, R"({"errors": [], "job_id": 42})");
    answer("GET /slurm/v0.0.41/jobs/", 200, R"({"errors": [], "jobs": []})");
    const auto scheduler = slurm();
    EXPECT_EQ(*scheduler->submit(job()), 42u);
    const auto body = json::parse(last().body);
    EXPECT_EQ(body->find("job")->find("environment")->as_array()[0].as_string(), "A=1,2\n3");
    EXPECT_TRUE(scheduler->find_named("x"));
    // slurmrestd was replaced while we ran: the next call asks anew.
    answer("GET /openapi/v3", 200, kOpenApi);
    answer("POST /slurm/v0.0.38/job/submit", 200, R"({"errors": [], "job_id": 43})");
    answer("POST /slurm/v0.0.41/job/submit", 404, "Unable find requested URL.");
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(*scheduler->submit(job()), 43u);
    answer("GET /openapi/v3", 200, R"({"paths": {"/slurm/v0.0.39/job/submit": {}}})");
    EXPECT_EQ(slurm()->submit(job()).error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(slurm()->find({1}).error().code, ErrorCode::kUnsupported);
}

TEST_F(FakeRest, OptionsAreChecked) {
    const auto refused = [this] { return make_rest(options_).error().code; };
    const RestOptions good = options_;
    EXPECT_TRUE(make_rest(options_));
    options_.token_file = "/x";
    EXPECT_EQ(refused(), ErrorCode::kInvalidArgument);
    options_ = good;
    options_.key_file.clear();
    EXPECT_EQ(refused(), ErrorCode::kInvalidArgument);
    options_ = good;
    options_.user = "";
    EXPECT_EQ(refused(), ErrorCode::kInvalidArgument);
    options_.user = "a\r\nb";
    EXPECT_EQ(refused(), ErrorCode::kInvalidArgument);
    options_ = good;
    options_.url = "unix:/x";
    EXPECT_EQ(refused(), ErrorCode::kInvalidArgument);
    options_ = good;
    options_.api_version = "v0.0.37";
    EXPECT_EQ(refused(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tandem::slurm
