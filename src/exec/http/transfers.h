// Transfers: requests through libcurl, all of them on one thread. Private to this room.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "exec/http/request.h"

namespace tandem::http {

struct Response {
    std::string failure;  // no answer came, or not all of it; empty: it did
    bool is_too_large = false;
    int status = 0;
    std::string status_text;
    Pairs headers;  // names in lower case
    std::string body;
};

struct Transfer {
    std::string key;
    Request request;
    std::string ca_file;
    int64_t timeout_ms = 0;
    size_t body_bytes = 0;
    size_t header_bytes = 0;
    std::function<void(Response)> done;
};

class Transfers {
public:
    explicit Transfers(size_t at_once);
    ~Transfers();
    /// `done` comes on the thread of the transfers, or never after stop().
    void start(Transfer transfer);
    /// Gives up what has the key: `done` hears of a failure.
    void cancel(const std::string& key);
    void stop();

private:
    struct Running;
    void run();
    void begin_some();
    void end_some();
    void end(std::unique_ptr<Running> ended, std::string failure);
    void give_up();

    const size_t at_once_;
    void* multi_ = nullptr;  // CURLM
    std::mutex mutex_;
    std::deque<Transfer> waiting_;
    std::vector<std::string> cancelled_;  // keys
    bool stopping_ = false;
    std::vector<std::unique_ptr<Running>> running_;  // of the thread alone
    std::thread thread_;
};

}  // namespace tandem::http
