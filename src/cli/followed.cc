#include "cli/followed.h"

#include "base/encoding.h"

namespace tandem::cli {

namespace {

// The last page is read again at each call until it is full: small, so that following is cheap.
constexpr int kPageEvents = 200;
constexpr int kLargePageEvents = 1000;  // for who reads all of it once

}  // namespace

Result<Followed> Followed::open(Client& client, std::string execution_arn, EventData data) {
    Followed f;
    f.data_ = data;
    f.arn_ = std::move(execution_arn);
    const json::Value request = json::Value::object({{"executionArn", f.arn_}});
    auto description = client.states("DescribeExecution", request);
    if (!description) return tl::unexpected<Error>(description.error());
    f.description_ = std::move(*description);
    auto machine = client.states("DescribeStateMachineForExecution", request);
    if (!machine) return tl::unexpected<Error>(machine.error());
    auto definition = json::parse(machine->string_or("definition", "{}"));
    if (!definition) return tl::unexpected<Error>(definition.error());
    f.progress_ = std::make_unique<Progress>(*definition);
    return f;
}

Result<void> Followed::read(Client& client) {
    const json::Value about = json::Value::object({{"executionArn", arn_}});
    // First the status, then the history: an ended execution has all its events.
    auto description = client.states("DescribeExecution", about);
    if (!description) return tl::unexpected<Error>(description.error());
    description_ = std::move(*description);
    while (true) {
        json::Value request = about;
        request.set("maxResults", data_ == EventData::kIncluded ? kLargePageEvents : kPageEvents);
        request.set("includeExecutionData", data_ == EventData::kIncluded);
        if (!token_.empty()) request.set("nextToken", token_);
        auto page = client.states("GetExecutionHistory", request);
        if (!page) return tl::unexpected<Error>(page.error());
        const json::Value* events = page->find("events");
        if (events != nullptr && events->is_array()) {
            for (const json::Value& event : events->as_array()) {
                if (event.int_or("id", 0) <= progress_->events()) continue;
                progress_->add(event);
                fresh_.push_back(event);
            }
        }
        const std::string_view next = page->string_or("nextToken", "");
        if (next.empty()) return {};
        token_ = next;
    }
}

Result<Waits> Followed::waits(Client& client) const {
    auto text = client.admin("/tandem/v1/executions/" + percent_encode(arn_) + "/waiting");
    if (!text) return tl::unexpected<Error>(text.error());
    auto answer = json::parse(*text);
    if (!answer) return tl::unexpected<Error>(answer.error());
    return parse_waits(*answer);
}

std::string Followed::name() const {
    const std::string_view machine = description_.string_or("stateMachineArn", "");
    const std::string workflow(machine.substr(machine.rfind(':') + 1));
    return workflow + "/" + std::string(description_.string_or("name", ""));
}

Duration Followed::age(Timestamp now) const {
    const json::Value* stop = description_.find("stopDate");
    const Timestamp end = stop != nullptr ? time_of(stop) : now;
    return end - time_of(description_.find("startDate"));
}

Timestamp Followed::deadline() const {
    const int64_t limit = progress_->outline().timeout_s();
    if (limit <= 0) return kNever;
    return time_of(description_.find("startDate")) + std::chrono::seconds(limit);
}

std::optional<Failure> Followed::failure() const {
    const std::string now = status();
    if (now == "RUNNING" || now == "SUCCEEDED") return std::nullopt;
    if (progress_->failure()) return progress_->failure();
    return Failure{{},
                   std::string(description_.string_or("error", "")),
                   std::string(description_.string_or("cause", "")),
                   0};
}

}  // namespace tandem::cli
