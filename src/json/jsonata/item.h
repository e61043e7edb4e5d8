// Item: a value during one evaluation: JSON scalars in place, parts of the input and of literals by
// pointer (they outlive the evaluation), everything made here on a counted heap. Lists know whether
// they are sequences. One thread, one evaluation; never shared with another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "json/value.h"

namespace tandem::jsonata {

enum class Tag : uint8_t {
    kUndefined,
    kNull,
    kBool,
    kInt,
    kDouble,
    kKeyRef,   // a std::string of the input: the key of a member
    kTextRef,  // a json::Value of that kind, as the next two
    kArrayRef,
    kObjectRef,
    kText,  // from here on the heap
    kList,
    kRecord,
    kFunction,
    kTuple,
    kFrame,  // never an item of its own
};

class Memory;

struct Heap {
    explicit Heap(Tag t, Memory& m) : memory(&m), tag(t) {}
    Memory* memory;
    Heap* next_dead = nullptr;  // while it is being freed
    uint32_t refs = 1;
    Tag tag;
};

/// Frees `dead` and all that only it held, without recursion.
void free_heap(Heap* dead);

struct Text;
struct List;
struct Record;
struct Function;
struct Tuple;
struct Frame;

class Item {
public:
    Item() = default;
    Item(const Item& other) : tag_(other.tag_), data_(other.data_) {
        if (is_heap()) ++data_.heap->refs;
    }
    Item(Item&& other) noexcept : tag_(other.tag_), data_(other.data_) {
        other.tag_ = Tag::kUndefined;
    }
    Item& operator=(const Item& other) {
        if (other.is_heap()) ++other.data_.heap->refs;
        drop();
        tag_ = other.tag_;
        data_ = other.data_;
        return *this;
    }
    Item& operator=(Item&& other) noexcept {
        if (this == &other) return *this;
        drop();
        tag_ = other.tag_;
        data_ = other.data_;
        other.tag_ = Tag::kUndefined;
        return *this;
    }
    ~Item() { drop(); }

    static Item null() { return Item(Tag::kNull); }
    static Item boolean(bool b) {
        Item item(Tag::kBool);
        item.data_.b = b;
        return item;
    }
    static Item integer(int64_t i) {
        Item item(Tag::kInt);
        item.data_.i = i;
        return item;
    }
    static Item real(double d) {
        Item item(Tag::kDouble);
        item.data_.d = d;
        return item;
    }
    /// As JSON has it: whole numbers that a double holds exactly are integers.
    static Item number(double d);
    static Item key(const std::string& text) {
        Item item(Tag::kKeyRef);
        item.data_.key = &text;
        return item;
    }
    /// Strings, arrays and objects stay where they are.
    static Item of(const json::Value& value);
    /// Takes over the reference of a new object.
    static Item adopt(Heap* heap) {
        Item item(heap->tag);
        item.data_.heap = heap;
        return item;
    }
    static Item share(Heap* heap) {
        ++heap->refs;
        return adopt(heap);
    }

    Tag tag() const { return tag_; }
    bool is_undefined() const { return tag_ == Tag::kUndefined; }
    bool is_bool() const { return tag_ == Tag::kBool; }
    bool is_number() const { return tag_ == Tag::kInt || tag_ == Tag::kDouble; }
    bool is_int() const { return tag_ == Tag::kInt; }
    bool is_text() const {
        return tag_ == Tag::kText || tag_ == Tag::kTextRef || tag_ == Tag::kKeyRef;
    }
    bool is_array() const { return tag_ == Tag::kList || tag_ == Tag::kArrayRef; }
    bool is_object() const { return tag_ == Tag::kRecord || tag_ == Tag::kObjectRef; }
    bool is_function() const { return tag_ == Tag::kFunction; }
    bool is_list() const { return tag_ == Tag::kList; }
    bool is_heap() const { return tag_ >= Tag::kText; }
    inline bool is_sequence() const;

    bool as_bool() const { return data_.b; }
    int64_t as_int() const { return data_.i; }
    double as_double() const { return tag_ == Tag::kInt ? double(data_.i) : data_.d; }
    std::string_view text() const;
    const json::Value& ref() const { return *data_.ref; }
    Heap* heap() const { return data_.heap; }
    inline List& list() const;
    inline Record& record() const;
    inline Function& function() const;
    inline Tuple& tuple() const;

    // Of arrays of either kind.
    size_t size() const;
    Item at(size_t i) const;

    /// Gives up the reference without counting: for free_heap().
    Heap* forget() {
        tag_ = Tag::kUndefined;
        return data_.heap;
    }

private:
    explicit Item(Tag tag) : tag_(tag) {}
    void drop() {
        if (is_heap() && --data_.heap->refs == 0) free_heap(data_.heap);
    }

    Tag tag_ = Tag::kUndefined;
    union {
        bool b;
        int64_t i;
        double d;
        const std::string* key;
        const json::Value* ref;
        Heap* heap;
    } data_ = {};
};

}  // namespace tandem::jsonata
