// What Step Functions adds: $partition, $range, $hash, $random([seed]), $uuid, $parse.
#include <cmath>
#include <cstring>

#include "base/encoding.h"
#include "base/rng.h"
#include "json/jsonata/builtin.h"
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"
#include "json/jsonata/text.h"

namespace tandem::jsonata {

namespace {

constexpr size_t kRangeItems = 1000;  // as States.ArrayRange allows

Item arg(const Arguments& a, size_t i) { return i < a.size() ? a[i] : Item(); }

Item partition(Run& run, Arguments& a, const Item&, Frame*) {
    const Item array = arg(a, 0);
    if (array.is_undefined() || arg(a, 1).is_undefined()) return {};
    const double size = std::trunc(a[1].as_double());
    if (!(size >= 1)) {
        fail("D3140", "The second argument of the partition function must be a positive number");
    }
    List* all = run.list();
    Item result = Item::adopt(all);
    List* chunk = nullptr;
    for (size_t i = 0; i < array.size(); ++i) {
        run.spend(1);
        if (chunk == nullptr || double(chunk->size()) >= size) {
            chunk = run.list();
            all->push(Item::adopt(chunk));
        }
        chunk->push(array.at(i));
    }
    return result;
}

Item range(Run& run, Arguments& a, const Item&, Frame*) {
    for (size_t i = 0; i < 3; ++i) {
        if (arg(a, i).is_undefined()) return {};
    }
    const double first = a[0].as_double(), last = a[1].as_double(), by = a[2].as_double();
    if (by == 0) fail("D3140", "The third argument of the range function must not be zero");
    List* all = run.list();
    Item result = Item::adopt(all);
    for (size_t i = 0;; ++i) {
        const double value = first + double(i) * by;
        if (by > 0 ? value > last : value < last) break;
        if (i >= kRangeItems) {
            fail("D3140",
                 "The range function makes at most " + std::to_string(kRangeItems) + " items");
        }
        all->push(Item::number(value));
    }
    return result;
}

Item hash(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    constexpr std::pair<std::string_view, Digest> kAlgorithms[] = {{"MD5", Digest::kMd5},
                                                                   {"SHA-1", Digest::kSha1},
                                                                   {"SHA-256", Digest::kSha256},
                                                                   {"SHA-384", Digest::kSha384},
                                                                   {"SHA-512", Digest::kSha512}};
    const std::string data = run.string_of(a[0]);
    run.spend(data.size() / 16);
    const std::string_view wanted = arg(a, 1).is_text() ? a[1].text() : std::string_view();
    for (const auto& [name, kind] : kAlgorithms) {
        if (name == wanted) return run.text(hex(digest(kind, data)));
    }
    fail("D3140", "Unknown algorithm of the hash function: " + shown(arg(a, 1)));
}

Item random(Run& run, Arguments& a, const Item&, Frame*) {
    if (!arg(a, 0).is_number()) return Item::real(run.random().next_double());
    const double seed = a[0].as_double();
    uint64_t bits = 0;
    std::memcpy(&bits, &seed, sizeof bits);
    return Item::real(SplitMix64(bits).next_double());
}

Item uuid(Run& run, Arguments&, const Item&, Frame*) {
    const uint64_t high = run.random().next();
    return run.text(uuid_v4(high, run.random().next()));
}

Item parse(Run& run, Arguments& a, const Item&, Frame*) {
    if (arg(a, 0).is_undefined()) return {};
    const std::string_view text = a[0].text();
    run.spend(text.size() / 8);
    run.memory().add(text.size() * 8);
    auto value = json::parse(text);
    if (!value.has_value()) {
        fail("D3121",
             "The argument of the parse function is not valid JSON: " + value.error().message);
    }
    return Item::of(run.keep(*std::move(value)));
}

}  // namespace

void add_states_functions(Builtins& all) {
    all.push_back({"partition", "<a-n:a>", 2, partition, In::kStatesOnly});
    all.push_back({"range", "<nnn:a>", 3, range, In::kStatesOnly});
    all.push_back({"hash", "<x-s:s>", 2, hash, In::kStatesOnly});
    all.push_back({"random", "<n?:n>", 1, random, In::kStatesOnly});
    all.push_back({"uuid", "<:s>", 0, uuid, In::kStatesOnly});
    all.push_back({"parse", "<s-:x>", 1, parse, In::kStatesOnly});
}

}  // namespace tandem::jsonata
