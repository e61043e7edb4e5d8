#include "store/rows/row_store.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <map>

#include "base/check.h"
#include "store/rows/event_block.h"
#include "store/rows/keys.h"
#include "store/rows/listings.h"
#include "store/rows/payload_place.h"
#include "store/rows/references.h"
#include "store/rows/row_changes.h"
#include "store/rows/upgrade.h"

namespace tandem {

namespace {

tl::unexpected<Error> pass(const Error& error) { return tl::unexpected<Error>(error); }

Result<uint64_t> parse_number(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return fail(ErrorCode::kCorrupt, "the store holds a malformed number");
    }
    return value;
}

/// Input and attributes are those of the first event, with which the first block begins.
Result<void> add_start(std::string_view block, ExecutionSummary& summary, uint8_t& spilled) {
    return read_block(block, 1, [&](Event first, uint8_t references) {
        summary.input = std::move(first.input);
        summary.attributes = std::move(first.detail);
        spilled |= references & (kSpilledInput | kSpilledDetail);
        return false;
    });
}

/// How much of a summary is read.
enum class Extent {
    kHead,     // no input, no attributes, no output that is an object
    kListing,  // no input or output that is an object
    kWhole,
};

class RowStore final : public Store {
public:
    RowStore(std::shared_ptr<Rows> rows, uint64_t epoch, int format, PayloadPlace payloads)
        : rows_(std::move(rows)),
          epoch_(epoch),
          format_(format),
          bucket_(std::move(payloads.bucket)),
          objects_(std::move(payloads.objects)) {}

    Result<void> append(const Batch& batch) override;
    size_t inline_bytes() const override { return objects_ ? objects_->inline_bytes() : SIZE_MAX; }
    void prepare(const Batch& batch, PrepareDone done) override;
    Result<uint64_t> open_epoch() override;
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override;
    Result<std::vector<Event>> events(const ExecutionId& id,
                                      const EventRange& range) const override;
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                               size_t limit) const override;
    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override;
    Result<std::vector<ExecutionSummary>> list_closed(Timestamp before,
                                                      size_t limit) const override;
    Result<std::vector<std::pair<uint64_t, std::string>>> messages(uint64_t after,
                                                                   size_t limit) const override;
    Result<std::optional<std::string>> catalog(std::string_view key) const override;
    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(
        std::string_view prefix, std::string_view after, size_t limit) const override;

private:
    Result<void> commit(const std::vector<RowChange>& changes);
    using PutDone = std::function<void(Result<std::shared_ptr<References>>)>;
    void put_all(std::vector<LargePayload> large, PutDone done) const;
    Result<void> put_large(const Batch& batch, References& references) const;
    /// `with_objects` gets the execution's number if it has payloads that are objects.
    Result<void> erase(const ExecutionWrite& write, std::vector<RowChange>& changes,
                       std::vector<uint64_t>& with_objects) const;
    Result<void> erase_replaced(const ExecutionWrite& write, std::vector<RowChange>& changes,
                                std::vector<uint64_t>& with_objects) const;
    Result<void> erase_log(uint64_t number, std::vector<RowChange>& changes,
                           std::vector<uint64_t>& with_objects) const;
    /// Puts the payload in the place of its reference.
    Result<void> fetch(uint64_t number, Payload& payload) const;
    Result<void> fetch(uint64_t number, std::vector<Event>& events,
                       const std::map<uint64_t, uint8_t>& spilled) const;
    Result<void> fetch(ExecutionSummary& summary, uint8_t spilled, Extent extent) const;
    Result<std::optional<uint64_t>> number_of(const ExecutionId& id) const;
    Result<uint64_t> block_of(uint64_t number, uint64_t seq) const;
    bool is_erased(uint64_t number) const;
    /// Summaries of the executions that still exist, in the given order.
    Result<std::vector<Event>> events(uint64_t number, const EventRange& range) const;
    Result<std::vector<ExecutionSummary>> summaries(const RowReader& rows,
                                                    const std::vector<uint64_t>& numbers,
                                                    Extent extent) const;

    std::shared_ptr<Rows> rows_;
    uint64_t epoch_;  // guarded by the rows' ownership
    int format_;      // of the thread that appends
    const std::string bucket_;
    // Its threads use the rows.
    const std::unique_ptr<PayloadObjects> objects_;
};

Result<void> RowStore::erase(const ExecutionWrite& write, std::vector<RowChange>& changes,
                             std::vector<uint64_t>& with_objects) const {
    const ExecutionId& id = write.summary.id;
    const auto found = number_of(id);
    if (!found) return pass(found.error());
    if (!*found) return {};
    const uint64_t number = **found;
    if (write.summary.number != 0 && write.summary.number != number) return {};  // replaced since
    const auto stored = summaries(*rows_, {number}, Extent::kHead);
    if (!stored) return pass(stored.error());
    if (stored->empty()) return {};
    const StoredVersion version = version_of(stored->front());
    if (write.previous && *write.previous != version) return {};
    for (std::string& key : keys::index_rows(stored->front(), version)) {
        changes.push_back({std::move(key), std::nullopt});
    }
    changes.push_back({keys::number(id), std::nullopt});
    return erase_log(number, changes, with_objects);
}

/// Earlier writes of this append may be among what goes.
Result<void> RowStore::erase_replaced(const ExecutionWrite& write, std::vector<RowChange>& changes,
                                      std::vector<uint64_t>& with_objects) const {
    CHECK(write.previous.has_value());
    const ExecutionSummary& s = write.summary;
    for (std::string& key : keys::index_rows(s, *write.previous))
        changes.push_back({std::move(key), std::nullopt});
    const RowRange blocks = keys::events(s.number, 0, UINT64_MAX);
    bool has_objects = false;
    std::vector<std::string> written;
    for (const RowChange& change : changes) {
        if (!change.value || change.key < blocks.from || change.key >= blocks.to) continue;
        written.push_back(change.key);
        has_objects = has_objects || has_references(*change.value);
    }
    for (std::string& key : written) changes.push_back({std::move(key), std::nullopt});
    if (has_objects) with_objects.push_back(s.number);
    return erase_log(s.number, changes, with_objects);
}

Result<void> RowStore::erase_log(uint64_t number, std::vector<RowChange>& changes,
                                 std::vector<uint64_t>& with_objects) const {
    changes.push_back({keys::head(number), std::nullopt});
    // What a head refers to was an event's payload, too.
    bool has_objects = false;
    const auto scanned = rows_->scan(keys::events(number, 0, UINT64_MAX),
                                     [&](std::string_view key, std::string_view block) {
                                         changes.push_back({std::string(key), std::nullopt});
                                         has_objects = has_objects || has_references(block);
                                         return true;
                                     });
    if (has_objects) with_objects.push_back(number);
    return scanned;
}

void RowStore::prepare(const Batch& batch, PrepareDone done) {
    std::vector<LargePayload> large;
    if (objects_) large = large_payloads(batch, objects_->inline_bytes());
    if (large.empty()) return done(std::shared_ptr<const Prepared>());
    put_all(std::move(large), [done = std::move(done)](Result<std::shared_ptr<References>> put) {
        if (put) done(std::shared_ptr<const Prepared>(*std::move(put)));
        else done(pass(put.error()));
    });
}

/// On the threads of the objects; `done` runs on one of them.
void RowStore::put_all(std::vector<LargePayload> large, PutDone done) const {
    struct Job {
        std::mutex mutex;
        size_t left = 0;
        std::optional<Error> error;
        std::shared_ptr<References> references = std::make_shared<References>();
        PutDone done;
    };
    const auto job = std::make_shared<Job>();
    job->left = large.size();
    job->done = std::move(done);
    for (LargePayload& one : large) {
        objects_->post([this, job, one = std::move(one)] {
            const auto reference = objects_->put(one.number, one.payload);
            {
                const std::lock_guard lock(job->mutex);
                if (reference) job->references->add(one, *reference);
                else job->error = reference.error();
                if (--job->left > 0) return;
            }
            if (job->error) job->done(pass(*job->error));
            else job->done(job->references);
        });
    }
}

/// References of all large payloads of the batch; those that nobody prepared become objects now.
Result<void> RowStore::put_large(const Batch& batch, References& references) const {
    for (const auto& prepared : batch.prepared) {
        if (const auto* known = dynamic_cast<const References*>(prepared.get()))
            references.add_all(*known);
    }
    std::vector<LargePayload> missing = large_payloads(batch, objects_->inline_bytes());
    std::erase_if(missing, [&](const LargePayload& one) { return references.contains(one); });
    if (missing.empty()) return {};
    // Kept by the thread that answers for as long as it needs it.
    const auto promise = std::make_shared<std::promise<Result<std::shared_ptr<References>>>>();
    auto future = promise->get_future();
    put_all(std::move(missing), [promise](Result<std::shared_ptr<References>> put) {
        promise->set_value(std::move(put));
    });
    const auto put = future.get();
    if (!put) return pass(put.error());
    references.add_all(**put);
    return {};
}

Result<void> RowStore::append(const Batch& batch) {
    std::vector<RowChange> changes;
    References put;
    if (inline_bytes() != SIZE_MAX) {
        if (const auto done = put_large(batch, put); !done) return done;
    }
    const References* references = put.empty() ? nullptr : &put;
    std::vector<uint64_t> erased_objects;
    for (const ExecutionWrite& write : batch.executions) {
        if (!write.erase) {
            write_execution(write, references, changes);
            continue;
        }
        const auto erased = write.is_replaced ? erase_replaced(write, changes, erased_objects)
                                              : erase(write, changes, erased_objects);
        if (!erased) return erased;
    }
    for (const MessageWrite& message : batch.messages)
        changes.push_back({keys::message(message.number), message.record});
    for (const CatalogWrite& row : batch.catalog)
        changes.push_back({keys::catalog(row.key), row.value});
    const bool is_first = references != nullptr && format_ < kStoreFormat;
    if (is_first) changes.push_back({keys::format(), std::to_string(kStoreFormat)});
    const auto done = commit(changes);
    if (!done) return done;
    if (is_first) format_ = kStoreFormat;
    for (const uint64_t number : erased_objects) {
        if (objects_) objects_->remove_later(number);
    }
    return done;
}

Result<void> RowStore::fetch(uint64_t number, Payload& payload) const {
    const auto reference = PayloadReference::decode(payload.view());
    if (!reference) return pass(reference.error());
    if (!objects_) {
        return fail(ErrorCode::kUnavailable, "the payload is in bucket " + bucket_ +
                                                 ", which is not configured or cannot be opened");
    }
    auto whole = objects_->get(number, *reference);
    if (!whole) return pass(whole.error());
    payload = std::move(*whole);
    return {};
}

/// The same payload is read once, however many events have it.
Result<void> RowStore::fetch(uint64_t number, std::vector<Event>& events,
                             const std::map<uint64_t, uint8_t>& spilled) const {
    std::map<std::string, Payload, std::less<>> known;  // by their references
    const auto fetch_one = [&](Payload& payload) -> Result<void> {
        if (const auto it = known.find(payload.view()); it != known.end()) {
            payload = it->second;
            return {};
        }
        std::string reference = payload.str();
        if (const auto done = fetch(number, payload); !done) return done;
        known.emplace(std::move(reference), payload);
        return {};
    };
    for (Event& event : events) {
        const auto it = spilled.find(event.seq);
        if (it == spilled.end()) continue;
        for (const auto& [which, payload] :
             {std::pair(kSpilledInput, &event.input), std::pair(kSpilledOutput, &event.output),
              std::pair(kSpilledDetail, &event.detail)}) {
            if ((it->second & which) == 0) continue;
            if (const auto done = fetch_one(*payload); !done) return done;
        }
    }
    return {};
}

Result<void> RowStore::fetch(ExecutionSummary& s, uint8_t spilled, Extent extent) const {
    const auto fetch_one = [&](SpilledPayload which, Payload& payload,
                               bool is_wanted) -> Result<void> {
        if ((spilled & which) == 0) return {};
        if (is_wanted) return fetch(s.number, payload);
        payload = {};
        return {};
    };
    const bool whole = extent == Extent::kWhole;
    auto done = fetch_one(kSpilledInput, s.input, whole);
    if (done) done = fetch_one(kSpilledOutput, s.output, whole);
    if (done) done = fetch_one(kSpilledDetail, s.attributes, true);
    return done;
}

Result<void> RowStore::commit(const std::vector<RowChange>& changes) {
    Rows::Ownership& owner = rows_->ownership();
    const std::lock_guard lock(owner.mutex);
    if (owner.failure) return pass(*owner.failure);
    if (owner.epoch != epoch_) {
        return fail(ErrorCode::kUnavailable, "epoch " + std::to_string(epoch_) +
                                                 " of the store was taken over by epoch " +
                                                 std::to_string(owner.epoch));
    }
    auto done = rows_->commit(changes);
    if (!done) owner.failure = done.error();
    return done;
}

Result<uint64_t> RowStore::open_epoch() {
    Rows::Ownership& owner = rows_->ownership();
    const std::lock_guard lock(owner.mutex);
    if (owner.failure) return pass(*owner.failure);
    const uint64_t next = owner.epoch + 1;
    if (auto done = rows_->commit({{keys::epoch(), std::to_string(next)}}); !done) {
        owner.failure = done.error();
        return pass(done.error());
    }
    owner.epoch = epoch_ = next;
    if (objects_) {
        // Executions from now on have greater numbers.
        objects_->sweep_later(next << kNumbersOfEpochBits,
                              [rows = rows_](uint64_t number) -> Result<bool> {
                                  const auto head = rows->get(keys::head(number));
                                  if (!head) return pass(head.error());
                                  return head->has_value();
                              });
    }
    return next;
}

/// What a start asks of every new name: one look into a filter when there is no such execution.
Result<std::optional<uint64_t>> RowStore::number_of(const ExecutionId& id) const {
    const auto found = rows_->get(keys::number(id));
    if (!found) return pass(found.error());
    if (!*found) return std::optional<uint64_t>();
    const auto number = keys::decode_number(**found);
    if (!number) return pass(number.error());
    return std::optional<uint64_t>(*number);
}

Result<std::optional<ExecutionSummary>> RowStore::summary(const ExecutionId& id) const {
    const auto number = number_of(id);
    if (!number) return pass(number.error());
    if (!*number) return std::optional<ExecutionSummary>();
    auto found = summaries(*rows_, {**number}, Extent::kWhole);
    if (!found) return pass(found.error());
    if (!found->empty()) return std::optional<ExecutionSummary>(std::move(found->front()));
    // Erased between the reads, or the next generation has come.
    const auto now = number_of(id);
    if (!now) return pass(now.error());
    if (*now == *number) return std::optional<ExecutionSummary>();
    return summary(id);
}

/// Of those that are there.
Result<std::vector<ExecutionSummary>> RowStore::summaries(const RowReader& rows,
                                                          const std::vector<uint64_t>& numbers,
                                                          Extent extent) const {
    const bool with_start = extent != Extent::kHead;
    std::vector<std::string> wanted;
    for (const uint64_t number : numbers) {
        wanted.push_back(keys::head(number));
        if (with_start) wanted.push_back(keys::event(number, 1));
    }
    const auto found = rows.get_many(wanted);
    if (!found) return pass(found.error());
    std::vector<ExecutionSummary> out;
    const size_t step = with_start ? 2 : 1;
    for (size_t i = 0; i < found->size(); i += step) {
        if (!(*found)[i]) continue;
        uint8_t spilled = 0;
        auto head = decode_summary(*(*found)[i], spilled);
        if (!head) return pass(head.error());
        if (with_start) {
            if (!(*found)[i + 1]) continue;  // erased between the two reads
            if (const auto added = add_start(*(*found)[i + 1], *head, spilled); !added)
                return pass(added.error());
        }
        if (spilled != 0) {
            if (const auto fetched = fetch(*head, spilled, extent); !fetched) {
                if (!is_erased(head->number)) return pass(fetched.error());
                // Its objects went with it. The next generation may be there.
                auto next = summary(head->id);
                if (!next) return pass(next.error());
                if (*next) out.push_back(std::move(**next));
                continue;
            }
        }
        out.push_back(std::move(*head));
    }
    return out;
}

/// Where the block begins that holds event `seq`; `seq` itself when there is none.
Result<uint64_t> RowStore::block_of(uint64_t number, uint64_t seq) const {
    if (seq <= 1) return seq;
    RowRange up_to = keys::events(number, 1, seq);
    up_to.reverse = true;
    uint64_t first = seq;
    const auto scanned = rows_->scan(up_to, [&](std::string_view key, std::string_view) {
        first = keys::event_seq(key);
        return false;
    });
    if (!scanned) return pass(scanned.error());
    return first;
}

/// Leaves the events up to the one that makes all of them reach `most`.
void cut(std::vector<Event>& events, const std::map<uint64_t, uint8_t>& spilled, size_t most,
         size_t& bytes) {
    for (size_t i = 0; i < events.size(); ++i) {
        const auto it = spilled.find(events[i].seq);
        bytes += payload_bytes(events[i], it != spilled.end() ? it->second : 0);
        if (bytes < most) continue;
        return events.resize(i + 1);
    }
}

/// Whether the execution has gone meanwhile; what cannot be read is not said to be.
bool RowStore::is_erased(uint64_t number) const {
    const auto head = rows_->get(keys::head(number));
    return head && !*head;
}

Result<std::vector<Event>> RowStore::events(const ExecutionId& id, const EventRange& range) const {
    if (range.limit == 0 || range.first_seq > range.last_seq) return std::vector<Event>();
    auto number = number_of(id);
    while (number && *number) {
        auto found = events(**number, range);
        if (!found || !found->empty()) return found;
        const auto now = number_of(id);
        if (now && *now == *number) return found;
        number = now;  // the next generation has come
    }
    if (!number) return pass(number.error());
    return std::vector<Event>();
}

/// None of one that has been erased.
Result<std::vector<Event>> RowStore::events(uint64_t number, const EventRange& range) const {
    std::vector<Event> out;
    const auto first = block_of(number, range.first_seq);
    if (!first) return pass(first.error());
    RowRange rows = keys::events(number, *first, range.last_seq);
    rows.reverse = range.reverse;
    Result<void> decoded;
    std::map<uint64_t, uint8_t> spilled;  // by seq
    size_t bytes = 0;
    const auto scanned = rows_->scan(rows, [&](std::string_view key, std::string_view block) {
        std::vector<Event> inside;
        decoded = read_block(block, keys::event_seq(key), [&](Event event, uint8_t references) {
            if (event.seq > range.last_seq) return false;
            if (event.seq < range.first_seq) return true;
            if (references != 0) spilled.emplace(event.seq, references);
            inside.push_back(std::move(event));
            return range.reverse || out.size() + inside.size() < range.limit;
        });
        if (!decoded) return false;
        if (range.reverse) std::reverse(inside.begin(), inside.end());
        inside.resize(std::min(inside.size(), range.limit - out.size()));
        if (range.bytes != SIZE_MAX) cut(inside, spilled, range.bytes, bytes);
        std::move(inside.begin(), inside.end(), std::back_inserter(out));
        return out.size() < range.limit && bytes < range.bytes;
    });
    if (!scanned) return pass(scanned.error());
    if (!decoded) return pass(decoded.error());
    if (spilled.empty()) return out;
    if (const auto fetched = fetch(number, out, spilled); !fetched) {
        if (is_erased(number)) return std::vector<Event>();
        return pass(fetched.error());
    }
    return out;
}

Result<ExecutionPage> RowStore::list(const ExecutionFilter& filter, std::string_view cursor,
                                     size_t limit) const {
    const auto rows = rows_->snapshot();
    auto index = filter.status
                     ? read_index(*rows, keys::listing(filter, *filter.status), cursor, limit)
                     : read_all_listings(*rows, filter, cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(*rows, index->numbers, Extent::kListing);
    if (!found) return pass(found.error());
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<ExecutionPage> RowStore::list_open(std::string_view cursor, size_t limit) const {
    const auto rows = rows_->snapshot();
    auto index = read_index(*rows, keys::open_executions(), cursor, limit);
    if (!index) return pass(index.error());
    auto found = summaries(*rows, index->numbers, Extent::kHead);
    if (!found) return pass(found.error());
    return ExecutionPage{std::move(*found), std::move(index->next)};
}

Result<std::vector<ExecutionSummary>> RowStore::list_closed(Timestamp before, size_t limit) const {
    if (limit == 0) return std::vector<ExecutionSummary>();
    auto index = read_index(*rows_, keys::closed_before(before), {}, limit);
    if (!index) return pass(index.error());
    return summaries(*rows_, index->numbers, Extent::kHead);
}

Result<std::vector<std::pair<uint64_t, std::string>>> RowStore::messages(uint64_t after,
                                                                         size_t limit) const {
    std::vector<std::pair<uint64_t, std::string>> out;
    if (limit == 0) return out;
    const auto scanned =
        rows_->scan(keys::messages(after), [&](std::string_view key, std::string_view record) {
            out.emplace_back(keys::message_number(key), record);
            return out.size() < limit;
        });
    if (!scanned) return pass(scanned.error());
    return out;
}

Result<std::optional<std::string>> RowStore::catalog(std::string_view key) const {
    return rows_->get(keys::catalog(key));
}

Result<std::vector<std::pair<std::string, std::string>>> RowStore::scan_catalog(
    std::string_view prefix, std::string_view after, size_t limit) const {
    std::vector<std::pair<std::string, std::string>> out;
    if (limit == 0) return out;
    const std::string first = keys::catalog(prefix);
    RowRange range{first, keys::after_prefix(first), false};
    if (!after.empty()) range.from = std::max(range.from, keys::catalog(after) + '\0');
    const auto scanned = rows_->scan(range, [&](std::string_view key, std::string_view value) {
        out.emplace_back(key.substr(1), value);
        return out.size() < limit;
    });
    if (!scanned) return pass(scanned.error());
    return out;
}

}  // namespace

Result<std::unique_ptr<Store>> open_row_store(std::shared_ptr<Rows> rows, SpillOptions spill) {
    const auto found = rows->get_many({keys::format(), keys::epoch(), keys::payloads()});
    if (!found) return pass(found.error());
    const auto format = parse_number((*found)[0].value_or("0"));
    const auto epoch = parse_number((*found)[1].value_or("0"));
    if (!format) return pass(format.error());
    if (!epoch) return pass(epoch.error());
    if (*format > uint64_t(kStoreFormat)) {
        return fail(ErrorCode::kUnsupported, "the store has format " + std::to_string(*format) +
                                                 "; this binary reads up to " +
                                                 std::to_string(kStoreFormat));
    }
    Rows::Ownership& owner = rows->ownership();
    const std::lock_guard lock(owner.mutex);
    if (*format == 0) {
        const std::string first = std::to_string(kStoreFormatWithoutObjects);
        if (const auto done = rows->commit({{keys::format(), first}}); !done)
            return pass(done.error());
    } else if (*format == 1) {
        if (const auto done = upgrade_format_1(*rows); !done) return pass(done.error());
    }
    auto payloads = open_payloads(*rows, (*found)[2], std::move(spill));
    if (!payloads) return pass(payloads.error());
    owner.epoch = *epoch;
    const int now = std::max(int(*format), kStoreFormatWithoutObjects);
    return std::unique_ptr<Store>(
        std::make_unique<RowStore>(std::move(rows), *epoch, now, std::move(*payloads)));
}

}  // namespace tandem
