// Run: one evaluation. Holds what it may still spend and evaluates nodes; built-in functions call
// back into it. One thread; ends with the evaluation.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "json/jsonata/ast.h"
#include "json/jsonata/builtin.h"
#include "json/jsonata/heap.h"
#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

class Deeper {
public:
    explicit Deeper(size_t& depth) : depth_(depth) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

private:
    size_t& depth_;
};

constexpr size_t kValueDepth = 200;                // values in values, as json::ParseOptions has it
constexpr size_t kStackBytes = 3u << 20;           // of the thread's stack, for one evaluation
constexpr uint64_t kStepsBetweenQuestions = 4096;  // of Options::expired

class Run {
public:
    Run(const Program& program, Dialect dialect, const Lookup& variables, const Options& options);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Item start(const json::Value* input);
    Item evaluate(const Node& node, const Item& input, Frame* frame);
    /// Calls `function`; `context` stands in for arguments that may be left out.
    Item apply(const Item& function, Arguments arguments, const Item& context, Frame* frame);
    /// As functions like $map call theirs: with as many of the three as it takes.
    Item apply_up_to(const Item& function, size_t arity, const Item& a, const Item& b,
                     const Item& c, Frame* frame);
    static size_t arity_of(const Item& function);

    void spend(uint64_t steps) {
        steps_ += steps;
        if (steps_ >= ask_at_) ask();
    }
    uint64_t steps() const { return steps_; }

    Item text(std::string s) { return Item::adopt(new Text(memory_, std::move(s))); }
    List* list() { return new List(memory_); }
    List* sequence() {
        List* list = new List(memory_);
        list->is_sequence = true;
        return list;
    }
    Record* record() { return new Record(memory_); }
    Memory& memory() { return memory_; }
    /// `value` lives as long as the evaluation.
    const json::Value& keep(json::Value value);

    const Options& options() const { return options_; }
    Dialect dialect() const { return dialect_; }
    SplitMix64& random() { return random_; }

    // What JSONata's functions do, for the others to use.
    Item lookup(const Item& in, std::string_view key, size_t depth = 0);
    Item append(const Item& a, const Item& b);
    bool truth(const Item& item, size_t depth = 0);  // undefined is false
    bool equal(const Item& a, const Item& b, size_t depth = 0);
    Item sort(const Item& array, const std::function<bool(const Item&, const Item&)>& after);
    Item clone(const Item& item, size_t depth = 0);
    void string_to(std::string& out, const Item& item, int indent, size_t depth = 0);
    std::string string_of(const Item& item);
    json::Value export_value(const Item& item, size_t depth = 0);
    Item eval(const Item& text, const Item& focus, const Item& context, Frame* frame);
    /// What a compiled regular expression says of `text` from a byte on; undefined: no match.
    Item match_regex(const Item& function, const Item& text, size_t from);
    [[noreturn]] void value_too_deep();

private:
    Item evaluate_kind(const Node& node, const Item& input, Frame* frame);
    Item path(const Node& node, const Item& input, Frame* frame);
    bool quick_names(const Node& node, size_t& step, Item& current, bool& spread, Item& result);
    Item step(const Node& node, const Item& input, bool spread, Frame* frame, bool is_last);
    Item tuple_step(const Node& node, const Item& input, const Item& tuples, Frame* frame);
    Item stages(const std::vector<Stage>& stages, Item input, Frame* frame);
    Item filter(const Node& predicate, const Item& input, Frame* frame);
    Item sorted(const Node& node, const Item& input, Frame* frame);
    int compare_terms(const Node& node, const Item& a, const Item& b, bool tuples, Frame* frame);
    Item grouped(const std::vector<Pair>& pairs, const Item& input, Frame* frame);
    Item reduce_tuples(const Item& tuples);
    Item wildcard(const Item& input);
    void flatten_to(List& out, const Item& item, size_t depth);
    void descend_to(List& out, const Item& item, size_t depth);
    Item binary(const Node& node, const Item& input, Frame* frame);
    Item arithmetic(const Node& node, const Item& a, const Item& b);
    Item ordering(const Node& node, const Item& a, const Item& b);
    Item range(const Item& a, const Item& b);
    Item negate(const Node& node, const Item& input, Frame* frame);
    Item array(const Node& node, const Item& input, Frame* frame);
    Item block(const Node& node, const Item& input, Frame* frame);
    Item variable(const Node& node, const Item& input, Frame* frame);
    Item lambda(const Node& node, const Item& input, Frame* frame);
    Item call(const Node& node, const Item& input, Frame* frame, const Item* piped);
    Item partial(const Node& node, const Item& input, Frame* frame);
    Item piped(const Node& node, const Item& input, Frame* frame);
    Item apply_once(const Item& function, Arguments& arguments, const Item& context, Frame* frame);
    Item transform(const Function& function, const Item& input);
    Item external(Symbol symbol);
    Frame* frame_of(const Item& tuple, Frame* parent);
    void ask();
    [[noreturn]] void overflow();

    const Program& program_;
    const Symbols* symbols_;
    std::optional<Symbols> own_symbols_;  // once $eval has brought names
    Dialect dialect_;
    const Lookup& variables_;
    const Options& options_;
    Memory memory_;
    SplitMix64 random_;
    Item root_;
    Frame* root_frame_ = nullptr;
    std::vector<std::optional<Item>> externals_;  // by symbol
    std::deque<json::Value> kept_;
    std::vector<NodePtr> evaluated_texts_;  // of $eval
    const char* stack_top_ = nullptr;
    size_t depth_ = 0;
    uint64_t steps_ = 0;
    uint64_t ask_at_ = 0;
};

/// The key-value pairs of an object of either kind: f(key item, value item).
template <class F>
void for_members(const Item& object, F&& f) {
    if (object.tag() == Tag::kObjectRef) {
        for (const auto& [key, value] : object.ref().as_object())
            f(Item::key(key), Item::of(value));
        return;
    }
    Record& record = object.record();
    for (size_t i = 0; i < record.members.size(); ++i) {
        const Record::Member member = record.members[i];
        f(member.key, member.value);
    }
}

}  // namespace tandem::jsonata
