#include <algorithm>
#include <charconv>
#include <map>

#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/history_event.h"
#include "api/states/machine.h"

namespace tandem::states {

namespace {

// Hidden events lie between the visible ones: a page reads on until it is full or the log ends.
class Reader {
public:
    Reader(const Context& context, ExecutionSummary summary, bool reverse)
        : context_(context), summary_(std::move(summary)), reverse_(reverse) {}

    /// Up to `limit` visible events beginning with seq `from`, fewer where they are large; `next`
    /// is where the next page begins, or 0 at the end.
    Result<std::vector<Event>> page(uint64_t from, size_t limit, uint64_t& next) {
        std::vector<Event> out;
        size_t bytes = 0;
        next = 0;
        while (from >= 1 && from <= summary_.last_seq) {
            EventRange range;
            range.reverse = reverse_;
            (reverse_ ? range.last_seq : range.first_seq) = from;
            range.limit = std::min(limit + 1 - out.size() + kSlack, kReadEvents);
            range.bytes = kHistoryPageBytes;
            auto events = context_.engine.history(summary_.id, range);
            if (!events) return tl::unexpected(events.error());
            if (events->empty()) break;
            from = reverse_ ? events->back().seq - 1 : events->back().seq + 1;
            for (Event& event : *events) {
                if (event.id == 0 || event.seq > summary_.last_seq) continue;
                if (out.size() == limit || bytes > kHistoryPageBytes) {
                    next = event.seq;
                    return out;
                }
                bytes += event.input.size() + event.output.size() + event.detail.size();
                out.push_back(std::move(event));
            }
        }
        return out;
    }

    /// The kTaskScheduled that `event` answers; nullptr if it is not there.
    const Event* schedule_of(const Event& event) {
        const auto known = schedules_.find(event.ref);
        if (known != schedules_.end()) return &known->second;
        EventRange range;
        range.first_seq = range.last_seq = event.ref;
        auto events = context_.engine.history(summary_.id, range);
        if (!events || events->size() != 1) return nullptr;
        return &schedules_.emplace(event.ref, std::move(events->front())).first->second;
    }

    void remember(const Event& event) {
        if (event.type == EventType::kTaskScheduled) schedules_.emplace(event.seq, event);
    }

private:
    static constexpr size_t kSlack = 32;
    static constexpr size_t kReadEvents = 128;  // at a time: they may be large
    const Context& context_;
    ExecutionSummary summary_;
    bool reverse_;
    std::map<uint64_t, Event> schedules_;
};

std::optional<uint64_t> parse_seq(std::string_view text) {
    uint64_t seq = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return seq;
}

}  // namespace

Answer<json::Value> get_execution_history(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const bool reverse = fields.boolean("reverseOrder").value_or(false);
    const auto token = fields.string("nextToken", {.min = 1, .max = kPageTokenChars});
    const HistoryOptions options{fields.boolean("includeExecutionData").value_or(true)};
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto summary = find_execution(context, *arn);
    if (!summary) return tl::unexpected(summary.error());

    const std::string scope =
        "GetExecutionHistory/" + summary->id.str() + (reverse ? "/reverse" : "");
    uint64_t from = reverse ? summary->last_seq : 1;
    if (token) {
        const auto cursor = aws::decode_page_token(scope, *token);
        const auto seq = cursor ? parse_seq(*cursor) : std::nullopt;
        if (!seq) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        from = *seq;
    }
    const size_t limit = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
    Reader reader(context, *std::move(summary), reverse);
    uint64_t next = 0;
    const auto page = reader.page(from, limit, next);
    if (!page) return aws::refuse(page.error());
    for (const Event& event : *page) reader.remember(event);
    json::Value events = json::Value::array();
    for (const Event& event : *page) {
        const Event* schedule = needs_schedule(event) ? reader.schedule_of(event) : nullptr;
        events.push_back(history_event(event, schedule, options));
    }
    json::Value out = json::Value::object({{"events", std::move(events)}});
    if (next != 0) out.set("nextToken", aws::encode_page_token(scope, std::to_string(next)));
    return out;
}

}  // namespace tandem::states
