#include "lang/asl/testing/random_formula.h"

namespace tandem::asl::testing {

namespace {

constexpr const char* kContext = "$states.context.";

}  // namespace

std::string formula(const std::string& text) { return "{% " + text + " %}"; }

std::string RandomFormula::in_input(const std::string& steps) {
    const bool is_there = around_.has_input && dice(6) != 0;
    return (is_there ? "$states.input" : "$states.context.Execution.Input") + steps;
}

std::string RandomFormula::any(int depth) {
    if (!around_.is_exact && dice(8) == 0) {
        return pick({"$uuid()", "$random()", "$now()", "$millis()", "$shuffle([1..5])",
                     "$states.context.State.EnteredTime"});
    }
    switch (dice(6)) {
        case 0: return number(depth);
        case 1: return text(depth);
        case 2: return array(depth);
        case 3: return object(depth);
        case 4: return pick({in_input(".nil"), "null"});
        default: return boolean(depth);
    }
}

std::string RandomFormula::number(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".n"),
                        in_input(".x"),
                        in_input(".list[0]"),
                        "$count(" + in_input(".list") + ")",
                        "3",
                        "-1.5",
                        around_.is_exact ? "0" : "$states.context.Execution.RedriveCount"};
        if (around_.has_variables) leaves.emplace_back("$vn");
        if (around_.has_index) leaves.emplace_back("$states.context.Map.Item.Index");
        if (around_.can_retry) leaves.emplace_back("$states.context.State.RetryCount");
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(9)) {
        case 0: return "(" + number(inner) + pick({" + ", " - ", " * "}) + number(inner) + ")";
        case 1: return "$sum([" + number(inner) + ", " + number(inner) + "])";
        case 2: return "$max([" + number(inner) + ", 2])";
        case 3: return "$length(" + text(inner) + ")";
        case 4: return "(" + boolean(inner) + " ? " + number(inner) + " : " + number(inner) + ")";
        case 5: return "$reduce([1, 2, 3], function($a, $b) { $a + $b }, " + number(inner) + ")";
        case 6: return "$round(" + number(inner) + ", 1)";
        case 7: return "$random(" + number(inner) + ")";
        default:
            // Random, but always alike.
            return pick({"$floor($random())", "$count([$uuid(), $now()])", "$length($uuid())",
                         "$count($shuffle([1..4]))"});
    }
}

std::string RandomFormula::text(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".s"), in_input(".e"), in_input(".o.k"), "\"it's\"", "\"é\""};
        for (const char* fact :
             {"Execution.Id", "Execution.Name", "Execution.RoleArn", "Execution.StartTime",
              "State.Name", "StateMachine.Id", "StateMachine.Name"}) {
            const std::string_view name = fact;
            const bool tells =
                name == "Execution.Id" || name == "Execution.Name" || name == "Execution.StartTime";
            if (!tells || around_.may_name_execution())
                leaves.push_back(std::string(kContext) + fact);
        }
        if (around_.has_variables) leaves.emplace_back("$v.k");
        if (!around_.local.empty()) leaves.push_back("$" + around_.local);
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(9)) {
        case 0: return "(" + text(inner) + " & " + any(inner) + ")";
        case 1: return "$uppercase(" + text(inner) + ")";
        case 2:
            return "$hash(" + any(inner) + ", '" +
                   pick({"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"}) + "')";
        case 3: return "$replace(" + text(inner) + ", /[a-c]+/, '_')";
        case 4: return "$string(" + any(inner) + ")";
        case 5: return "$join($split('a-b,c', /[-,]/), '+')";
        case 6: return "$fromMillis($toMillis(" + in_input(".t") + ") + 1500)";
        case 7: return "$formatNumber(" + number(inner) + ", '#,##0.00')";
        default: return "$base64decode($base64encode('hello'))";
    }
}

// What makes an array stands in brackets: an array of one item is not that item, of none not
// nothing.
std::string RandomFormula::array(int depth) {
    if (depth == 0 || dice(2) == 0) {
        return pick({in_input(".none"), in_input(".o.n"), "[1..3]",
                     around_.has_input ? "$states.input.list" : "[]",
                     "[" + in_input(".list[$type($) = 'number']") + "]",
                     "[" + in_input(".list[[0..1]]") + "]"});
    }
    const int inner = depth - 1;
    switch (dice(8)) {
        case 0: return "[" + any(inner) + ", " + any(inner) + "]";
        case 1: return "$partition(" + array(inner) + ", 2)";
        case 2: return "$range(1, 9, 2)";
        case 3: return "[$distinct(" + array(inner) + ")]";
        case 4: return "[$append(" + array(inner) + ", " + any(inner) + ")]";
        case 5: return "[$map(" + array(inner) + ", function($i, $n) { $n & $type($i) })]";
        case 6: return "[$sort(['b', 'a', " + text(inner) + "])]";
        default: return "[" + array(inner) + ".{'is': $type($)}]";
    }
}

std::string RandomFormula::object(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".o"), "$states.context.StateMachine", "{}"};
        if (around_.has_variables) leaves.emplace_back("$v");
        if (around_.has_index) leaves.emplace_back("$states.context.Map.Item");
        if (!around_.is_exact) leaves.emplace_back("$states.context.State");
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(5)) {
        case 0: return "$merge([" + object(inner) + ", " + object(inner) + "])";
        case 1: return "{'k': " + any(inner) + ", 'l': " + any(inner) + "}";
        case 2: return "$parse(" + in_input(".doc") + ")";
        case 3: return "$parse($string(" + object(inner) + "))";
        default: return "(" + object(inner) + " ~> |$|{'more': " + any(inner) + "}|)";
    }
}

std::string RandomFormula::boolean(int depth) {
    if (depth == 0 || dice(2) == 0)
        return pick({in_input(".b"), "true", "$exists(" + in_input(".absent") + ")"});
    const int inner = depth - 1;
    switch (dice(6)) {
        case 0: return "(" + number(inner) + pick({" < ", " >= ", " = "}) + number(inner) + ")";
        case 1: return "(" + text(inner) + pick({" < ", " != ", " = "}) + text(inner) + ")";
        case 2: return "(" + any(inner) + " in " + array(inner) + ")";
        case 3: return "$not(" + boolean(inner) + ")";
        case 4: return "(" + boolean(inner) + pick({" and ", " or "}) + boolean(inner) + ")";
        default: return "$contains(" + text(inner) + ", /a|b/)";
    }
}

std::string RandomFormula::failing() {
    return pick({"$parse('no JSON')", "$states.input.absent", "$error('no')",
                 "$assert(false, 'no')", "1 + 'a'", "$number('x')", "$sum", "$partition([1], 0)",
                 "$range(1, 2, 0)", "$hash('a', 'SHA-0')"});
}

json::Value RandomFormula::payload(int depth) {
    json::Value out = json::Value::object();
    for (uint64_t i = 0; i <= dice(3); ++i) {
        const std::string name = "p" + std::to_string(i);
        if (depth > 0 && dice(4) == 0) {
            if (dice(2) == 0) out.set(name, payload(depth - 1));
            else out.set(name, json::Value(json::Array{payload(depth - 1), formula(any(1))}));
        } else if (dice(4) == 0) {
            out.set(name, int64_t(dice(10)));
        } else {
            out.set(name, formula(any(2)));
        }
    }
    return out;
}

std::string RandomFormula::all_of_input(const std::string& root, const std::string& extra) const {
    std::string out = "{'list': [" + root + ".list[[0..2]]]";
    for (const char* field : kInputFields)
        out += std::string(", '") + field + "': " + root + "." + field;
    return out + (extra.empty() ? "" : ", " + extra) + "}";
}

}  // namespace tandem::asl::testing
