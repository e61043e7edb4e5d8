#include "exec/slurm/rest.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "exec/slurm/errors.h"
#include "exec/slurm/jwt.h"
#include "exec/slurm/rest_codec.h"
#include "net/http.h"
#include "net/url.h"

namespace tandem::slurm {

namespace {

constexpr size_t kSecretBytes = 64 * 1024;  // of a key or a token
constexpr size_t kIdleConnections = 4;

Result<std::string> read_secret(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes(kSecretBytes, '\0');
    in.read(bytes.data(), std::streamsize(bytes.size()));
    bytes.resize(size_t(std::max<std::streamsize>(in.gcount(), 0)));
    if (bytes.empty()) return fail(ErrorCode::kUnavailable, "cannot read " + path);
    return bytes;
}

/// Whether a request that failed so never left: HttpClient says what it was doing.
/// fake_rest_test.cc holds it to that.
bool is_unsent(const Error& error) {
    return error.message.rfind("connect: ", 0) == 0 || error.message.rfind("resolve ", 0) == 0;
}

class Rest final : public Scheduler {
public:
    explicit Rest(RestOptions options) : options_(std::move(options)) {}

    Result<void> open() {
        const auto url = net::parse_url(options_.url);
        if (!url) return tl::unexpected<Error>(url.error());
        Submission probe;
        probe.name = "x";
        probe.script = "#!";
        probe.user = options_.user;
        if (options_.user.empty() || !check(probe))
            return fail(ErrorCode::kInvalidArgument, "slurmrestd wants the name of a user");
        if (options_.key_file.empty() == options_.token_file.empty())
            return fail(ErrorCode::kInvalidArgument, "slurmrestd wants a key or a token");
        if (options_.api_version.empty()) return {};
        auto api = parse_api(options_.api_version);
        if (!api) return tl::unexpected<Error>(api.error());
        api_ = *api;
        return {};
    }

    std::string_view name() const override { return "slurmrestd"; }

    Result<uint64_t> submit(const Submission& submission) override {
        if (auto ok = check(submission); !ok) return tl::unexpected<Error>(ok.error());
        const std::string& user = submission.user.empty() ? options_.user : submission.user;
        if (user != options_.user && options_.key_file.empty())
            return fail(ErrorCode::kPermissionDenied,
                        "there is no key to make a token for user " + user + " with");
        auto api = chosen_api();
        if (!api) return certainly_not(std::move(api.error()));
        auto body = print_submission(*api, submission);
        if (!body) return tl::unexpected<Error>(body.error());
        Call call;
        call.method = "POST";
        call.target = api->root() + "/job/submit";
        call.user = user;
        call.body = std::move(*body);
        call.is_repeatable = false;
        auto answer = ask(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        return read_submitted(*answer);
    }

    Result<std::vector<JobInfo>> find(const std::vector<uint64_t>& ids) override {
        std::vector<JobInfo> jobs;
        std::unordered_set<uint64_t> seen;
        auto api = chosen_api();
        if (!api) return tl::unexpected<Error>(api.error());
        for (const uint64_t id : ids) {
            auto some = find_one(*api, id);
            if (!some) return some;
            // Of an array all tasks come with its number, and each comes with its own.
            for (JobInfo& job : *some) {
                if (seen.insert(job.id).second) jobs.push_back(std::move(job));
            }
        }
        return jobs;
    }

    Result<std::vector<JobInfo>> find_past(const std::vector<uint64_t>& ids) override {
        std::vector<JobInfo> jobs;
        auto api = chosen_api();
        if (!api) return tl::unexpected<Error>(api.error());
        const auto deadline =
            std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.past_timeout_ms);
        for (const uint64_t id : ids) {
            if (std::chrono::steady_clock::now() > deadline)
                return fail(ErrorCode::kTimeout, "slurmrestd took too long for its accounting");
            Call call;
            call.target = api->past_root() + "/job/" + std::to_string(id);
            call.of_past = true;
            auto answer = ask(call);
            if (!answer) return tl::unexpected<Error>(answer.error());
            auto some = read_past_jobs(*answer);
            if (!some) return some;
            std::move(some->begin(), some->end(), std::back_inserter(jobs));
        }
        return jobs;
    }

    Result<std::vector<JobInfo>> find_named(const std::string& name) override {
        if (auto ok = check_name(name); !ok) return tl::unexpected<Error>(ok.error());
        auto api = chosen_api();
        if (!api) return tl::unexpected<Error>(api.error());
        Call call;
        call.target = api->root() + (api->is_typed() ? "/jobs/" : "/jobs");
        auto answer = ask(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        auto jobs = read_jobs(*answer);
        if (jobs) {
            jobs->erase(std::remove_if(jobs->begin(), jobs->end(),
                                       [&](const JobInfo& job) { return job.name != name; }),
                        jobs->end());
        }
        return jobs;
    }

    /// slurmrestd has no guard: the name is looked at just before.
    Result<void> cancel(uint64_t id, const std::string& name) override {
        auto api = chosen_api();
        if (!api) return tl::unexpected<Error>(api.error());
        if (!name.empty()) {
            const auto jobs = find_one(*api, id);
            if (!jobs) return tl::unexpected<Error>(jobs.error());
            const bool is_it = std::any_of(jobs->begin(), jobs->end(), [&](const JobInfo& job) {
                return job.name == name && !is_over(job.state);
            });
            if (!is_it) return {};
        }
        Call call;
        call.method = "DELETE";
        call.target = api->root() + "/job/" + std::to_string(id);
        auto answer = ask(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        return read_cancelled(*answer);
    }

private:
    struct Call {
        std::string method = "GET";
        std::string target;
        std::string user;  // empty: the configured one
        std::string body;
        bool is_repeatable = true;
        bool of_past = false;  // slurmrestd need not have it
    };

    static tl::unexpected<Error> certainly_not(Error error) {
        if (error.code != ErrorCode::kUnsupported) error.code = ErrorCode::kUnavailable;
        return tl::unexpected<Error>(std::move(error));
    }

    Result<std::vector<JobInfo>> find_one(const RestApi& api, uint64_t id) {
        Call call;
        call.target = api.root() + "/job/" + std::to_string(id);
        auto answer = ask(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        return read_jobs(*answer);
    }

    Result<RestApi> chosen_api() {
        {
            const std::lock_guard lock(mutex_);
            if (api_) return *api_;
        }
        Call call;
        call.target = "/openapi/v3";
        auto answer = ask(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        auto api = choose_api(*answer);
        if (!api) return api;
        const std::lock_guard lock(mutex_);
        api_ = *api;
        return api;
    }

    /// A fresh one for every request: keys and tokens may be renewed at any time.
    Result<std::string> token_of(const std::string& user) const {
        const bool is_made = !options_.key_file.empty();
        auto secret = read_secret(is_made ? options_.key_file : options_.token_file);
        if (!secret) return secret;
        if (is_made) return make_token(*secret, user, system_clock().now(), options_.token_seconds);
        std::string token = std::move(*secret);
        if (token.rfind("SLURM_JWT=", 0) == 0) token.erase(0, 10);  // as `scontrol token` prints it
        token.erase(token.find_last_not_of(" \r\n\t") + 1);
        if (token.find_first_of(" \r\n\t") != std::string::npos)
            return fail(ErrorCode::kUnavailable, options_.token_file + " holds no token");
        // slurmrestd says no more than that it failed.
        if (const auto end = token_end(token); end && *end <= system_clock().now())
            return fail(ErrorCode::kUnavailable,
                        "the token in " + options_.token_file + " has expired");
        return token;
    }

    /// HttpClient sends a request again on a new connection where a kept one turns out to be
    /// closed; so that what must not be done twice goes over a connection of its own.
    Result<std::unique_ptr<net::HttpClient>> take_connection(const Call& call) {
        if (call.is_repeatable && !call.of_past) {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto connection = std::move(idle_.back());
                idle_.pop_back();
                return connection;
            }
        }
        net::HttpClientOptions options;
        options.url = options_.url;
        options.timeout_ms = call.of_past ? options_.past_timeout_ms : options_.timeout_ms;
        options.ca_file = options_.ca_file;
        return net::HttpClient::make(std::move(options));
    }

    void keep_connection(std::unique_ptr<net::HttpClient> connection) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < kIdleConnections) idle_.push_back(std::move(connection));
    }

    /// The body of an answer. Errors: kUnavailable (not done), kTimeout, kInternal.
    Result<std::string> ask(const Call& call) {
        const std::string& user = call.user.empty() ? options_.user : call.user;
        auto token = token_of(user);
        if (!token) return token;
        auto connection = take_connection(call);
        if (!connection) return certainly_not(std::move(connection.error()));
        net::HttpRequest request;
        request.method = call.method;
        request.target = call.target;
        request.headers.set("X-SLURM-USER-NAME", user);
        request.headers.set("X-SLURM-USER-TOKEN", *token);
        if (!call.body.empty()) request.headers.set("Content-Type", "application/json");
        request.body = call.body;
        auto response = (*connection)->send(request);
        if (!response) return lost(call, std::move(response.error()));
        if (!call.of_past) keep_connection(std::move(*connection));
        return body_of(call, *response);
    }

    static tl::unexpected<Error> lost(const Call& call, Error error) {
        if (is_unsent(error)) error.code = ErrorCode::kUnavailable;
        else if (error.code != ErrorCode::kTimeout &&
                 (error.code != ErrorCode::kUnavailable || !call.is_repeatable))
            error.code = ErrorCode::kInternal;
        error.message = "slurmrestd: " + error.message;
        return tl::unexpected<Error>(std::move(error));
    }

    Result<std::string> body_of(const Call& call, const net::HttpResponse& response) {
        if (response.status == 401)
            return fail(ErrorCode::kUnavailable, "slurmrestd refuses our user or token");
        const std::string_view body = response.body.view();
        if (response.status == 404 && body.find("{") == std::string_view::npos) {
            if (call.of_past)
                return fail(ErrorCode::kUnsupported, "slurmrestd offers no accounting");
            const std::lock_guard lock(mutex_);
            if (options_.api_version.empty()) api_.reset();
            return fail(ErrorCode::kUnavailable, "slurmrestd has another API now");
        }
        if (body.size() > options_.answer_bytes)
            return fail(ErrorCode::kInternal,
                        "slurmrestd answered too much: " + std::to_string(body.size()) + " bytes");
        if (body.find('{') == std::string_view::npos)
            return fail(ErrorCode::kInternal, "slurmrestd answered " +
                                                  std::to_string(response.status) + ": " +
                                                  shown(body.substr(0, 200)));
        return std::string(body);
    }

    const RestOptions options_;
    std::mutex mutex_;
    std::optional<RestApi> api_;
    std::vector<std::unique_ptr<net::HttpClient>> idle_;
};

}  // namespace

Result<std::unique_ptr<Scheduler>> make_rest(RestOptions options) {
    auto scheduler = std::make_unique<Rest>(std::move(options));
    if (auto ok = scheduler->open(); !ok) return tl::unexpected<Error>(ok.error());
    return Result<std::unique_ptr<Scheduler>>(std::move(scheduler));
}

}  // namespace tandem::slurm
