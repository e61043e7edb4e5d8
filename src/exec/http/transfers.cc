#include "exec/http/transfers.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/check.h"
#include "base/thread_name.h"

namespace tandem::http {

namespace {

constexpr const char* kCancelled = "The request was cancelled.";
constexpr int kLongestPollMs = 60'000;  // it is woken for everything that is new

std::string trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' '))
        text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return std::string(text);
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    return text;
}

}  // namespace

struct Transfers::Running {
    Transfer transfer;
    Response response;
    size_t header_bytes = 0;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    char error[CURL_ERROR_SIZE] = {};

    explicit Running(Transfer given) : transfer(std::move(given)), easy(curl_easy_init()) {
        CHECK(easy != nullptr);
    }
    ~Running() {
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
    }

    static size_t on_body(char* bytes, size_t, size_t size, void* self) {
        auto& running = *static_cast<Running*>(self);
        if (running.response.body.size() + size > running.transfer.body_bytes) {
            running.response.is_too_large = true;
            return 0;
        }
        running.response.body.append(bytes, size);
        return size;
    }

    static size_t on_header(char* bytes, size_t, size_t size, void* self) {
        auto& running = *static_cast<Running*>(self);
        Response& response = running.response;
        running.header_bytes += size;
        if (running.header_bytes > running.transfer.header_bytes) {
            response.is_too_large = true;
            return 0;
        }
        const std::string_view line(bytes, size);
        if (line.starts_with("HTTP/")) {
            // Of an interim answer nothing counts.
            response.headers.clear();
            const size_t code = line.find(' ');
            const size_t text = code == std::string_view::npos ? code : line.find(' ', code + 1);
            response.status_text =
                text == std::string_view::npos ? "" : trimmed(line.substr(text + 1));
            return size;
        }
        const size_t colon = line.find(':');
        if (colon != std::string_view::npos) {
            response.headers.emplace_back(lower(std::string(line.substr(0, colon))),
                                          trimmed(line.substr(colon + 1)));
        }
        return size;
    }

    void set_up() {
        const Request& request = transfer.request;
        const auto set = [this](CURLoption option, auto value) {
            CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
        };
        set(CURLOPT_URL, request.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_TIMEOUT_MS, long(transfer.timeout_ms));
        set(CURLOPT_ERRORBUFFER, error);
        set(CURLOPT_PRIVATE, static_cast<void*>(this));
        set(CURLOPT_WRITEFUNCTION, &Running::on_body);
        set(CURLOPT_WRITEDATA, static_cast<void*>(this));
        set(CURLOPT_HEADERFUNCTION, &Running::on_header);
        set(CURLOPT_HEADERDATA, static_cast<void*>(this));
        if (!transfer.ca_file.empty()) set(CURLOPT_CAINFO, transfer.ca_file.c_str());
        const bool wants_length =
            request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
        if (request.has_body || wants_length) {
            // Or a type would be made up for it.
            if (!request.has_body) headers = curl_slist_append(headers, "Content-Type:");
            set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.size()));
            set(CURLOPT_POSTFIELDS, request.body.c_str());
        }
        if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
        // No wait for permission to send a large body.
        headers = curl_slist_append(headers, "Expect:");
        for (const auto& [name, value] : request.headers) {
            const std::string line = name + (value.empty() ? ";" : ": " + value);
            headers = curl_slist_append(headers, line.c_str());
        }
        set(CURLOPT_HTTPHEADER, headers);
    }
};

Transfers::Transfers(size_t at_once) : at_once_(at_once) {
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
    thread_ = std::thread([this] {
        name_thread("http-tasks");
        run();
    });
}

Transfers::~Transfers() { stop(); }

void Transfers::start(Transfer transfer) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        waiting_.push_back(std::move(transfer));
    }
    curl_multi_wakeup(multi_);
}

void Transfers::cancel(const std::string& key) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        cancelled_.push_back(key);
    }
    curl_multi_wakeup(multi_);
}

void Transfers::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
        waiting_.clear();
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    for (const auto& running : running_) curl_multi_remove_handle(multi_, running->easy);
    running_.clear();
    curl_multi_cleanup(multi_);
}

void Transfers::run() {
    for (;;) {
        give_up();
        begin_some();
        int running = 0;
        curl_multi_perform(multi_, &running);
        end_some();
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            if (!cancelled_.empty()) continue;
            if (!waiting_.empty() && running_.size() < at_once_) continue;
        }
        curl_multi_poll(multi_, nullptr, 0, kLongestPollMs, nullptr);
    }
}

void Transfers::begin_some() {
    while (running_.size() < at_once_) {
        Transfer next;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty() || stopping_) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        auto running = std::make_unique<Running>(std::move(next));
        running->set_up();
        curl_multi_add_handle(multi_, running->easy);
        running_.push_back(std::move(running));
    }
}

void Transfers::end_some() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        const auto it = std::find_if(running_.begin(), running_.end(), [&](const auto& running) {
            return running->easy == message->easy_handle;
        });
        CHECK(it != running_.end());
        std::unique_ptr<Running> ended = std::move(*it);
        running_.erase(it);
        std::string failure;
        if (code != CURLE_OK)
            failure = ended->error[0] != 0 ? ended->error : curl_easy_strerror(code);
        end(std::move(ended), std::move(failure));
    }
}

void Transfers::end(std::unique_ptr<Running> ended, std::string failure) {
    long status = 0;
    curl_easy_getinfo(ended->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi_, ended->easy);
    Response& response = ended->response;
    response.status = int(status);
    response.failure = std::move(failure);
    ended->transfer.done(std::move(response));
}

/// The connection of a request that is under way is closed.
void Transfers::give_up() {
    std::vector<Transfer> unsent;
    std::vector<std::unique_ptr<Running>> sent;
    {
        const std::lock_guard lock(mutex_);
        for (const std::string& key : cancelled_) {
            const auto waits = std::find_if(waiting_.begin(), waiting_.end(),
                                            [&](const auto& one) { return one.key == key; });
            if (waits != waiting_.end()) {
                unsent.push_back(std::move(*waits));
                waiting_.erase(waits);
            }
            const auto runs = std::find_if(running_.begin(), running_.end(), [&](const auto& one) {
                return one->transfer.key == key;
            });
            if (runs != running_.end()) {
                sent.push_back(std::move(*runs));
                running_.erase(runs);
            }
        }
        cancelled_.clear();
    }
    Response response;
    response.failure = kCancelled;
    for (const Transfer& one : unsent) one.done(response);
    for (auto& one : sent) end(std::move(one), kCancelled);
}

}  // namespace tandem::http
