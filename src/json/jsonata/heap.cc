#include "json/jsonata/heap.h"

#include <cmath>

#include "json/jsonata/error.h"

namespace tandem::jsonata {

namespace {

constexpr double kExact = 9007199254740992.0;  // 2^53
constexpr size_t kIndexAbove = 16;             // members; below, a linear search is faster

/// One reference less; what nobody else holds joins `dead`.
void let_go(Heap* heap, Heap*& dead) {
    if (heap == nullptr || --heap->refs != 0) return;
    heap->next_dead = dead;
    dead = heap;
}

void let_go(Item& item, Heap*& dead) {
    if (item.is_heap()) let_go(item.forget(), dead);
}

void let_go(std::vector<Item>& items, Heap*& dead) {
    for (Item& item : items) let_go(item, dead);
}

/// What `heap` holds besides itself, in bytes.
size_t bytes_of(const Heap& heap) {
    switch (heap.tag) {
        case Tag::kText: return sizeof(Text) + static_cast<const Text&>(heap).value.capacity();
        case Tag::kList:
            return sizeof(List) + static_cast<const List&>(heap).items.capacity() * sizeof(Item);
        case Tag::kRecord:
            return sizeof(Record) +
                   static_cast<const Record&>(heap).members.size() * sizeof(Record::Member);
        case Tag::kFunction: return sizeof(Function);
        case Tag::kTuple: return sizeof(Tuple);
        case Tag::kFrame: return sizeof(Frame);
        case Tag::kUndefined:
        case Tag::kNull:
        case Tag::kBool:
        case Tag::kInt:
        case Tag::kDouble:
        case Tag::kKeyRef:
        case Tag::kTextRef:
        case Tag::kArrayRef:
        case Tag::kObjectRef: return 0;
    }
    return 0;
}

void empty_frame(Frame& frame, Heap*& dead) {
    for (Binding& binding : frame.first) let_go(binding.value, dead);
    for (Binding& binding : frame.more) let_go(binding.value, dead);
}

}  // namespace

Item Item::number(double d) {
    if (d >= -kExact && d <= kExact && d == std::trunc(d)) return integer(int64_t(d));
    return real(d);
}

Item Item::of(const json::Value& value) {
    Item item;
    switch (value.kind()) {
        case json::Kind::kNull: return null();
        case json::Kind::kBool: return boolean(value.as_bool());
        case json::Kind::kInt: return integer(value.as_int());
        case json::Kind::kDouble: return real(value.as_double());
        case json::Kind::kString: item.tag_ = Tag::kTextRef; break;
        case json::Kind::kArray: item.tag_ = Tag::kArrayRef; break;
        case json::Kind::kObject: item.tag_ = Tag::kObjectRef; break;
    }
    item.data_.ref = &value;
    return item;
}

std::string_view Item::text() const {
    if (tag_ == Tag::kTextRef) return data_.ref->as_string();
    if (tag_ == Tag::kKeyRef) return *data_.key;
    return static_cast<const Text*>(data_.heap)->value;
}

size_t Item::size() const {
    return tag_ == Tag::kArrayRef ? data_.ref->as_array().size() : list().size();
}

Item Item::at(size_t i) const {
    return tag_ == Tag::kArrayRef ? of(data_.ref->as_array()[i]) : list().at(i);
}

void Memory::refuse() {
    fail("U1001",
         "The expression needs more memory than it may have: " + std::to_string(limit_) + " bytes");
}

void List::expand() {
    const int64_t first = start;
    const size_t n = count;
    is_range = false;
    grow(n);
    for (size_t i = 0; i < n; ++i) items.push_back(Item::integer(first + int64_t(i)));
}

void List::push_all(const Item& array) {
    const size_t n = array.size();
    reserve(items.size() + n > items.capacity() ? std::max(items.size() + n, items.size() * 2) : 0);
    for (size_t i = 0; i < n; ++i) push(array.at(i));
}

Item* Record::find(std::string_view key) {
    if (members.size() > kIndexAbove) {
        if (index.empty()) {
            for (size_t i = 0; i < members.size(); ++i) {
                index.emplace(members[i].key.text(), uint32_t(i));
            }
        }
        const auto it = index.find(key);
        return it == index.end() ? nullptr : &members[it->second].value;
    }
    for (Member& member : members) {
        if (member.key.text() == key) return &member.value;
    }
    return nullptr;
}

void Record::set(const Item& key, Item value) {
    if (Item* existing = find(key.text())) {
        *existing = std::move(value);
        return;
    }
    memory->add(sizeof(Member));
    if (members.empty()) members.reserve(4);
    members.push_back({key, std::move(value)});
    if (!index.empty()) index.emplace(members.back().key.text(), uint32_t(members.size() - 1));
}

void Record::erase(std::string_view key) {
    for (size_t i = 0; i < members.size(); ++i) {
        if (members[i].key.text() != key) continue;
        index.clear();
        members.erase(members.begin() + ptrdiff_t(i));
        memory->sub(sizeof(Member));
        return;
    }
}

void Tuple::set(Symbol symbol, Item value) {
    for (Binding& binding : bindings) {
        if (binding.symbol == symbol) {
            binding.value = std::move(value);
            return;
        }
    }
    bindings.push_back({symbol, std::move(value)});
}

Frame::Frame(Memory& m, Frame* outer) : Heap(Tag::kFrame, m), parent(outer), next_alive(m.frames) {
    m.add(sizeof(Frame));
    if (parent != nullptr) ++parent->refs;
    if (next_alive != nullptr) next_alive->previous_alive = this;
    m.frames = this;
}

void Frame::bind(Symbol symbol, Item value) {
    for (size_t i = 0; i < bound && i < first.size(); ++i) {
        if (first[i].symbol == symbol) {
            first[i].value = std::move(value);
            return;
        }
    }
    for (Binding& binding : more) {
        if (binding.symbol == symbol) {
            binding.value = std::move(value);
            return;
        }
    }
    if (bound < first.size()) first[bound] = {symbol, std::move(value)};
    else more.push_back({symbol, std::move(value)});
    ++bound;
}

const Item* Frame::find(Symbol symbol) const {
    const size_t n = std::min(bound, first.size());
    for (size_t i = 0; i < n; ++i) {
        if (first[i].symbol == symbol) return &first[i].value;
    }
    for (const Binding& binding : more) {
        if (binding.symbol == symbol) return &binding.value;
    }
    return nullptr;
}

void Frame::clear() {
    const std::array<Binding, 3> in_place = std::move(first);
    const std::vector<Binding> others = std::move(more);
    first = {};
    more.clear();
    bound = 0;
}

void Frame::unlink() {
    if (previous_alive != nullptr) previous_alive->next_alive = next_alive;
    else memory->frames = next_alive;
    if (next_alive != nullptr) next_alive->previous_alive = previous_alive;
}

void free_heap(Heap* dead) {
    dead->next_dead = nullptr;
    while (dead != nullptr) {
        Heap* heap = dead;
        dead = heap->next_dead;
        heap->memory->sub(bytes_of(*heap));
        switch (heap->tag) {
            case Tag::kText: delete static_cast<Text*>(heap); break;
            case Tag::kList:
                let_go(static_cast<List*>(heap)->items, dead);
                delete static_cast<List*>(heap);
                break;
            case Tag::kRecord:
                for (Record::Member& member : static_cast<Record*>(heap)->members) {
                    let_go(member.key, dead);
                    let_go(member.value, dead);
                }
                delete static_cast<Record*>(heap);
                break;
            case Tag::kTuple: {
                Tuple* tuple = static_cast<Tuple*>(heap);
                let_go(tuple->item, dead);
                for (Binding& binding : tuple->bindings) let_go(binding.value, dead);
                delete tuple;
                break;
            }
            case Tag::kFunction: {
                Function* function = static_cast<Function*>(heap);
                let_go(function->frame, dead);
                let_go(function->input, dead);
                let_go(function->parts, dead);
                delete function;
                break;
            }
            case Tag::kFrame: {
                Frame* frame = static_cast<Frame*>(heap);
                empty_frame(*frame, dead);
                let_go(frame->parent, dead);
                frame->unlink();
                delete frame;
                break;
            }
            case Tag::kUndefined:
            case Tag::kNull:
            case Tag::kBool:
            case Tag::kInt:
            case Tag::kDouble:
            case Tag::kKeyRef:
            case Tag::kTextRef:
            case Tag::kArrayRef:
            case Tag::kObjectRef: break;
        }
    }
}

}  // namespace tandem::jsonata
