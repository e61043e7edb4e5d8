// What an evaluation makes: texts, lists, records, tuples, frames of variables, functions. Counted
// against Memory; cycles (a lambda in its own frame) end when the evaluation clears its frames.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "json/jsonata/item.h"

namespace re2 {
class RE2;
}

namespace tandem::jsonata {

struct Node;
struct Builtin;
struct Signature;
using Symbol = uint32_t;

/// Bytes held by one evaluation. Throws (see error.h) where there would be more than the limit.
class Memory {
public:
    explicit Memory(size_t limit) : limit_(limit) {}
    void add(size_t bytes) {
        used_ += bytes;
        if (used_ > limit_) refuse();
    }
    void sub(size_t bytes) { used_ -= bytes < used_ ? bytes : used_; }
    Frame* frames = nullptr;  // all that live

private:
    [[noreturn]] void refuse();
    size_t used_ = 0;
    size_t limit_;
};

struct Text : Heap {
    Text(Memory& m, std::string s) : Heap(Tag::kText, m), value(std::move(s)) {
        m.add(sizeof(Text) + value.capacity());
    }
    std::string value;
};

struct List : Heap {
    explicit List(Memory& m) : Heap(Tag::kList, m) { m.add(sizeof(List)); }

    size_t size() const { return is_range ? count : items.size(); }
    Item at(size_t i) const { return is_range ? Item::integer(start + int64_t(i)) : items[i]; }
    void push(Item item) {
        if (is_range) expand();
        if (items.size() == items.capacity()) grow(items.empty() ? 4 : items.size() * 2);
        items.push_back(std::move(item));
    }
    void reserve(size_t n) {
        if (n > items.capacity()) grow(n);
    }
    void grow(size_t n) {
        memory->add((n - items.capacity()) * sizeof(Item));
        items.reserve(n);
    }
    /// Turns a range into the items that it stands for.
    void expand();
    void push_all(const Item& array);

    std::vector<Item> items;
    int64_t start = 0;  // of a range
    size_t count = 0;
    bool is_range = false;
    bool is_sequence = false;
    bool keep_singleton = false;
    bool is_constructed = false;  // by [...] at the beginning or end of a path
    bool is_outer_wrapper = false;
    bool is_tuple_stream = false;
};

struct Record : Heap {
    struct Member {
        Item key;
        Item value;
    };
    explicit Record(Memory& m) : Heap(Tag::kRecord, m) { m.add(sizeof(Record)); }

    Item* find(std::string_view key);
    void set(const Item& key, Item value);
    void erase(std::string_view key);

    std::vector<Member> members;
    std::unordered_map<std::string_view, uint32_t> index;  // of large ones
};

struct Binding {
    Symbol symbol = 0;
    Item value;
};

/// An item with what is bound beside it (focus, index, ancestors).
struct Tuple : Heap {
    explicit Tuple(Memory& m) : Heap(Tag::kTuple, m) { m.add(sizeof(Tuple)); }
    void set(Symbol symbol, Item value);

    Item item;
    std::vector<Binding> bindings;
};

/// Variables of a block or a call. The first few are in place.
struct Frame : Heap {
    Frame(Memory& m, Frame* parent);
    void bind(Symbol symbol, Item value);
    const Item* find(Symbol symbol) const;  // here, not in the parents
    void clear();
    void unlink();

    Frame* parent;  // counted
    Frame* previous_alive = nullptr;
    Frame* next_alive;
    size_t bound = 0;
    std::array<Binding, 3> first;
    std::vector<Binding> more;
};

class FrameRef {
public:
    FrameRef() = default;
    explicit FrameRef(Frame* adopted) : frame_(adopted) {}
    FrameRef(const FrameRef&) = delete;
    FrameRef& operator=(const FrameRef&) = delete;
    ~FrameRef() {
        if (frame_ != nullptr && --frame_->refs == 0) free_heap(frame_);
    }
    Frame* get() const { return frame_; }

private:
    Frame* frame_ = nullptr;
};

struct Function : Heap {
    enum class Kind : uint8_t {
        kLambda,  // also what a partial application leaves of one
        kThunk,   // a call in tail position that is still to be made
        kBuiltin,
        kPartial,  // of a built-in function
        kRegex,
        kNextMatch,  // the `next` of a match
        kChain,      // left ~> right
        kTransformer,
    };
    Function(Memory& m, Kind k) : Heap(Tag::kFunction, m), kind(k) { m.add(sizeof(Function)); }

    Kind kind;
    const Node* node = nullptr;
    Frame* frame = nullptr;          // counted
    Item input;                      // of a lambda: its context
    std::vector<Symbol> parameters;  // of a lambda applied in part: what is left
    bool is_partial = false;
    const Signature* signature = nullptr;
    const Builtin* builtin = nullptr;
    std::vector<Item> parts;  // arguments, or left and right
    std::vector<bool> given;  // of kPartial, which of the parts
    const re2::RE2* regex = nullptr;
    size_t from = 0;  // of kNextMatch, in bytes
};

inline List& Item::list() const { return *static_cast<List*>(data_.heap); }
inline Record& Item::record() const { return *static_cast<Record*>(data_.heap); }
inline Function& Item::function() const { return *static_cast<Function*>(data_.heap); }
inline Tuple& Item::tuple() const { return *static_cast<Tuple*>(data_.heap); }
inline bool Item::is_sequence() const { return tag_ == Tag::kList && list().is_sequence; }

}  // namespace tandem::jsonata
