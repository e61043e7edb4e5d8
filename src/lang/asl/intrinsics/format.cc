// States.Format. Values in the text look as Java's toString() shows them: {a=1, b=[x, y]}.
#include "lang/asl/intrinsics/call.h"

namespace tandem::asl::intrinsics {

namespace {

void show(std::string& out, const json::Value& value) {
    switch (value.kind()) {
        case json::Kind::kString: out += value.as_string(); return;
        case json::Kind::kArray: {
            std::string_view separator;
            out += "[";
            for (const json::Value& item : value.as_array()) {
                out += separator;
                separator = ", ";
                show(out, item);
            }
            out += "]";
            return;
        }
        case json::Kind::kObject: {
            std::string_view separator;
            out += "{";
            for (const auto& [name, member] : value.as_object()) {
                out += separator;
                separator = ", ";
                out += name + "=";
                show(out, member);
            }
            out += "}";
            return;
        }
        case json::Kind::kNull:
        case json::Kind::kBool:
        case json::Kind::kInt:
        case json::Kind::kDouble: json::print_to(out, value); return;
    }
}

}  // namespace

Result<json::Value> format(std::string_view pattern, const Arguments& arguments) {
    std::string out;
    size_t next = 1;
    for (size_t i = 0; i < pattern.size(); ++i) {
        const bool more = i + 1 < pattern.size();
        if (pattern[i] == '\\' && more &&
            std::string_view("'\\{}").find(pattern[i + 1]) != std::string_view::npos) {
            out.push_back(pattern[++i]);
        } else if (pattern[i] == '{' && more && pattern[i + 1] == '}') {
            if (next < arguments.size()) show(out, arguments[next]);
            ++next;
            ++i;
        } else {
            out.push_back(pattern[i]);
        }
    }
    if (next != arguments.size()) {
        return fail(ErrorCode::kInvalidArgument,
                    "The template has " + std::to_string(next - 1) + " occurrences of {} for " +
                        std::to_string(arguments.size() - 1) + " arguments");
    }
    return json::Value(std::move(out));
}

}  // namespace tandem::asl::intrinsics
