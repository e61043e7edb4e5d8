#include "json/jsonata/signature.h"

#include "json/jsonata/error.h"
#include "json/jsonata/heap.h"

namespace tandem::jsonata {

namespace {

constexpr std::string_view kSymbols = "asnblfom";

uint16_t bit(char symbol) {
    const size_t i = kSymbols.find(symbol);
    return i == std::string_view::npos ? 0 : uint16_t(1u << i);
}

uint16_t bits(std::string_view symbols) {
    uint16_t all = 0;
    for (const char c : symbols) all = uint16_t(all | bit(c));
    return all;
}

char symbol_of(const Item& item) {
    switch (item.tag()) {
        case Tag::kNull: return 'l';
        case Tag::kBool: return 'b';
        case Tag::kInt:
        case Tag::kDouble: return 'n';
        case Tag::kKeyRef:
        case Tag::kTextRef:
        case Tag::kText: return 's';
        case Tag::kArrayRef:
        case Tag::kList: return 'a';
        case Tag::kObjectRef:
        case Tag::kRecord: return 'o';
        case Tag::kFunction: return 'f';
        case Tag::kUndefined:
        case Tag::kTuple:
        case Tag::kFrame: return 'm';
    }
    return 'm';
}

class Matcher {
public:
    Matcher(const std::vector<Parameter>& parameters, const Arguments& arguments)
        : parameters_(parameters), arguments_(arguments), taken_(parameters.size()) {}

    /// As a regular expression would: each parameter as many as it may, then fewer.
    bool match(size_t p, size_t a) {
        furthest_ = std::max(furthest_, a);
        if (p == parameters_.size()) return a == arguments_.size();
        const Parameter& parameter = parameters_[p];
        size_t n = 0;
        const size_t most =
            parameter.count == Parameter::Count::kMany ? arguments_.size() - a : size_t(1);
        while (n < most && a + n < arguments_.size() &&
               (parameter.accepts & bit(symbol_of(arguments_[a + n]))) != 0) {
            ++n;
        }
        const size_t least =
            parameter.count == Parameter::Count::kOptional || parameter.context != 0 ? 0 : 1;
        for (size_t i = n + 1; i-- > least;) {
            taken_[p] = i;
            if (match(p + 1, a + i)) return true;
        }
        return false;
    }
    size_t taken(size_t p) const { return taken_[p]; }
    size_t furthest() const { return furthest_; }

private:
    const std::vector<Parameter>& parameters_;
    const Arguments& arguments_;
    std::vector<size_t> taken_;
    size_t furthest_ = 0;
};

std::string_view plural(char symbol) {
    switch (symbol) {
        case 'a': return "arrays";
        case 'b': return "booleans";
        case 'f': return "functions";
        case 'n': return "numbers";
        case 'o': return "objects";
        case 's': return "strings";
        default: return "values";
    }
}

[[noreturn]] void mismatch(size_t index) {
    fail("T0410", "Argument " + std::to_string(index) +
                      " of function {{token}} does not match function signature");
}

bool items_fit(const Parameter& parameter, const Item& array) {
    for (size_t i = 0; i < array.size(); ++i) {
        if (symbol_of(array.at(i)) != parameter.subtype) return false;
    }
    return true;
}

Item as_array(const Parameter& parameter, const Item& item, size_t index, Memory& memory) {
    const char symbol = symbol_of(item);
    if (symbol == 'm') return {};
    if (parameter.subtype != 0) {
        const bool fits = symbol == 'a' ? items_fit(parameter, item)
                                        : parameter.subtype_text == std::string(1, symbol);
        if (!fits) {
            fail("T0412", "Argument " + std::to_string(index + 1) +
                              " of function {{token}} must be an array of " +
                              quoted(plural(parameter.subtype)));
        }
    }
    if (symbol == 'a') return item;
    List* list = new List(memory);
    const Item array = Item::adopt(list);
    list->push(item);
    return array;
}

/// Position after the bracket that closes the one at `open`.
size_t closing(std::string_view text, size_t open, char opening, char close) {
    size_t depth = 0;
    for (size_t i = open; i < text.size(); ++i) {
        if (text[i] == opening) ++depth;
        if (text[i] == close && --depth == 0) return i;
    }
    return text.size();
}

}  // namespace

std::shared_ptr<const Signature> Signature::parse(std::string_view text) {
    auto signature = std::make_shared<Signature>();
    std::vector<Parameter>& all = signature->parameters;
    std::string_view previous;
    for (size_t i = 1; i < text.size() && text[i] != ':' && text[i] != '>'; ++i) {
        const char c = text[i];
        Parameter next;
        if (c == '-' || c == '?' || c == '+') {
            if (all.empty()) continue;
            if (c == '-') all.back().context = all.back().accepts;
            else if (c == '?') all.back().count = Parameter::Count::kOptional;
            else all.back().count = Parameter::Count::kMany;
        } else if (c == '(') {
            const size_t end = closing(text, i, '(', ')');
            const std::string_view choice = text.substr(i + 1, end - i - 1);
            if (choice.find('<') != std::string_view::npos) {
                fail("S0402", "Choice groups containing parameterized types are not supported",
                     std::string(choice));
            }
            next.accepts = uint16_t(bits(choice) | bit('m'));
            all.push_back(next);
            previous = choice;
            i = end;
        } else if (c == '<') {
            const size_t end = closing(text, i, '<', '>');
            if (previous != "a" && previous != "f") {
                fail("S0401", "Type parameters can only be applied to functions and arrays",
                     std::string(previous));
            }
            all.back().subtype_text = std::string(text.substr(i + 1, end - i - 1));
            all.back().subtype = all.back().subtype_text.empty() ? 0 : all.back().subtype_text[0];
            i = end;
        } else {
            if (c == 'a') next.accepts = bits("asnblfom");
            else if (c == 'f') next.accepts = bits("f");
            else if (c == 'j') next.accepts = bits("asnblom");
            else if (c == 'x') next.accepts = bits("asnblfom");
            else if (c == 's' || c == 'n' || c == 'b' || c == 'l' || c == 'o')
                next.accepts = uint16_t(bit(c) | bit('m'));
            else continue;
            next.is_array = c == 'a';
            all.push_back(next);
            previous = text.substr(i, 1);
        }
    }
    return signature;
}

void Signature::apply(Arguments& arguments, const Item& context, Memory& memory) const {
    // Nearly always the arguments are as many as the parameters and of their kinds.
    if (arguments.size() == parameters.size()) {
        bool fits = true;
        for (size_t i = 0; i < parameters.size() && fits; ++i) {
            const Parameter& p = parameters[i];
            fits = (p.accepts & bit(symbol_of(arguments[i]))) != 0;
        }
        if (fits) {
            for (size_t i = 0; i < parameters.size(); ++i) {
                if (!parameters[i].is_array) continue;
                arguments[i] = as_array(parameters[i], arguments[i], i, memory);
            }
            return;
        }
    }
    Matcher matcher(parameters, arguments);
    if (!matcher.match(0, 0)) mismatch(std::min(matcher.furthest(), arguments.size()) + 1);
    // As the reference implementation: an argument left out still takes a place.
    const auto given = [&arguments](size_t i) {
        return i < arguments.size() ? arguments[i] : Item();
    };
    Arguments result;
    result.reserve(parameters.size());
    size_t a = 0;
    for (size_t p = 0; p < parameters.size(); ++p) {
        const Parameter& parameter = parameters[p];
        const size_t n = matcher.taken(p);
        if (n == 0) {
            if (parameter.context == 0) {
                result.push_back(given(a++));
            } else if ((parameter.context & bit(symbol_of(context))) != 0) {
                result.push_back(context);
            } else {
                fail("T0411", "Context value is not a compatible type with argument " +
                                  std::to_string(a + 1) + " of function {{token}}");
            }
        }
        for (size_t i = 0; i < n; ++i, ++a) {
            result.push_back(parameter.is_array ? as_array(parameter, given(a), a, memory)
                                                : given(a));
        }
    }
    arguments = std::move(result);
}

}  // namespace tandem::jsonata
