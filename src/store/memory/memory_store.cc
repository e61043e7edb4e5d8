#include "store/memory/memory_store.h"

#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "base/check.h"
#include "store/cursor.h"

namespace tandem {

namespace {

/// Index row: newest start first, then id.
using ListKey = std::pair<int64_t, std::string>;  // negated start time in us, id
using ListIndex = std::set<ListKey>;

std::string list_name(CallableKind kind, const std::string& callable, int status) {
    return std::to_string(int(kind)) + ":" + std::to_string(status) + ":" + callable;
}

constexpr int kAnyStatus = 0;

std::string cursor_text(const ListKey& key) { return std::to_string(key.first) + " " + key.second; }

Result<ListKey> cursor_key(const std::string& text) {
    const size_t space = text.find(' ');
    if (space == std::string::npos) return fail(ErrorCode::kInvalidArgument, "not a page token of this listing");
    return ListKey(std::strtoll(text.c_str(), nullptr, 10), text.substr(space + 1));
}

class MemoryStore final : public Store {
public:
    Result<void> append(const Batch& batch) override {
        const std::lock_guard lock(mutex_);
        for (const ExecutionWrite& w : batch.executions) {
            if (w.previous) unlist(*w.previous);
            if (w.erase) {
                log_.erase(w.summary.id.str());
                summaries_.erase(w.summary.id.str());
                continue;
            }
            std::vector<Event>& log = log_[w.summary.id.str()];
            for (const Event& e : w.events) {
                CHECK(e.seq == log.size() + 1);
                log.push_back(e);
            }
            summaries_[w.summary.id.str()] = w.summary;
            list(w.summary);
        }
        for (const CatalogWrite& w : batch.catalog) {
            if (w.value) catalog_[w.key] = *w.value;
            else catalog_.erase(w.key);
        }
        return {};
    }

    Result<uint64_t> open_epoch() override {
        const std::lock_guard lock(mutex_);
        return ++epoch_;
    }

    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override {
        const std::lock_guard lock(mutex_);
        const auto it = summaries_.find(id.str());
        if (it == summaries_.end()) return std::optional<ExecutionSummary>();
        return std::optional<ExecutionSummary>(it->second);
    }

    Result<std::vector<Event>> events(const ExecutionId& id, const EventRange& range) const override {
        const std::lock_guard lock(mutex_);
        std::vector<Event> out;
        const auto it = log_.find(id.str());
        if (it == log_.end()) return out;
        const uint64_t last = std::min<uint64_t>(range.last_seq, it->second.size());
        const uint64_t first = std::max<uint64_t>(range.first_seq, 1);
        for (uint64_t i = first; i <= last && out.size() < range.limit; ++i) {
            out.push_back(it->second[size_t(range.reverse ? last - (i - first) : i) - 1]);
        }
        return out;
    }

    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor, size_t limit) const override {
        const auto after = decode_cursor(cursor);
        if (!after) return tl::unexpected<Error>(after.error());
        const std::lock_guard lock(mutex_);
        ExecutionPage page;
        const auto found = lists_.find(list_name(filter.kind, filter.callable, filter.status ? int(*filter.status) : kAnyStatus));
        if (found == lists_.end()) return page;
        const ListIndex& index = found->second;
        auto it = index.begin();
        if (filter.started_to) it = index.upper_bound(ListKey(-to_micros(*filter.started_to), std::string(600, '\xff')));
        if (!after->empty()) {
            const auto key = cursor_key(*after);
            if (!key) return tl::unexpected<Error>(key.error());
            const auto resumed = index.upper_bound(*key);
            if (it != index.end() && (resumed == index.end() || *it < *resumed)) it = resumed;
        }
        ListKey last;
        for (; it != index.end(); ++it) {
            if (filter.started_from && -it->first < to_micros(*filter.started_from)) break;
            if (page.executions.size() == limit) {
                page.next = encode_cursor(cursor_text(last));
                break;
            }
            last = *it;
            page.executions.push_back(summaries_.at(it->second));
        }
        return page;
    }

    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override {
        const auto after = decode_cursor(cursor);
        if (!after) return tl::unexpected<Error>(after.error());
        const std::lock_guard lock(mutex_);
        ExecutionPage page;
        for (auto it = open_.upper_bound(*after); it != open_.end(); ++it) {
            if (page.executions.size() == limit) {
                page.next = encode_cursor(page.executions.back().id.str());
                break;
            }
            ExecutionSummary s = summaries_.at(*it);
            s.input = {};
            s.attributes = {};
            page.executions.push_back(std::move(s));
        }
        return page;
    }

    Result<std::vector<ExecutionId>> list_closed(Timestamp before, size_t limit) const override {
        const std::lock_guard lock(mutex_);
        std::vector<ExecutionId> out;
        for (const auto& [time, id] : closed_) {
            if (time >= to_micros(before) || out.size() == limit) break;
            out.emplace_back(id);
        }
        return out;
    }

    Result<std::optional<std::string>> catalog(std::string_view key) const override {
        const std::lock_guard lock(mutex_);
        const auto it = catalog_.find(key);
        if (it == catalog_.end()) return std::optional<std::string>();
        return std::optional<std::string>(it->second);
    }

    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(std::string_view prefix, std::string_view after, size_t limit) const override {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<std::string, std::string>> rows;
        auto it = after > prefix ? catalog_.upper_bound(after) : catalog_.lower_bound(prefix);
        for (; it != catalog_.end() && rows.size() < limit; ++it) {
            if (it->first.compare(0, prefix.size(), prefix) != 0) break;
            rows.push_back(*it);
        }
        return rows;
    }

private:
    void list(const ExecutionSummary& s) {
        const ListKey key(-to_micros(s.start_time), s.id.str());
        lists_[list_name(s.kind, s.callable, kAnyStatus)].insert(key);
        lists_[list_name(s.kind, s.callable, int(s.status))].insert(key);
        if (s.status == ExecutionStatus::kRunning) open_.insert(s.id.str());
        else closed_.insert({to_micros(s.stop_time), s.id.str()});
    }

    void unlist(const ExecutionSummary& s) {
        const ListKey key(-to_micros(s.start_time), s.id.str());
        lists_[list_name(s.kind, s.callable, kAnyStatus)].erase(key);
        lists_[list_name(s.kind, s.callable, int(s.status))].erase(key);
        open_.erase(s.id.str());
        closed_.erase({to_micros(s.stop_time), s.id.str()});
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::vector<Event>> log_;
    std::map<std::string, ExecutionSummary> summaries_;
    std::map<std::string, ListIndex> lists_;
    std::set<std::string> open_;
    std::set<std::pair<int64_t, std::string>> closed_;
    std::map<std::string, std::string, std::less<>> catalog_;
    uint64_t epoch_ = 0;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace tandem
