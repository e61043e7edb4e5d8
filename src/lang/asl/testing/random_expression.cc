#include "lang/asl/testing/random_expression.h"

namespace tandem::asl::testing {

namespace {

constexpr int kNesting = 2;  // of intrinsic functions

bool is_expression(const std::string& text) {
    return text.starts_with("$") || text.starts_with("States.");
}

}  // namespace

std::string RandomExpression::in_input(const std::string& steps) const {
    return (around_.has_input ? "$" : "$$.Execution.Input") + steps;
}

std::string RandomExpression::any() {
    // What an intrinsic function takes may be a literal, too; a template's member may not.
    for (;;) {
        std::string text = argument(kNesting);
        if (is_expression(text)) return text;
    }
}

std::string RandomExpression::argument(int depth) {
    if (!around_.is_exact && dice(8) == 0)
        return pick({"States.UUID()", "States.MathRandom(1, 1000000)", "$$.State.EnteredTime"});
    switch (dice(5)) {
        case 0: return number(depth);
        case 1: return text(depth);
        case 2: return array(depth);
        case 3: return object(depth);
        default: return boolean(depth);
    }
}

std::string RandomExpression::number(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".n"),
                        in_input(".x"),
                        in_input(".list[0]"),
                        in_input(".list.length()"),
                        "3",
                        "-1.5",
                        around_.is_exact ? "0" : "$$.Execution.RedriveCount"};
        if (around_.has_variables) leaves.emplace_back("$vn");
        if (around_.has_index) leaves.emplace_back("$$.Map.Item.Index");
        if (around_.can_retry) leaves.emplace_back("$$.State.RetryCount");
        return pick(leaves);
    }
    switch (dice(4)) {
        case 0: return "States.MathAdd(" + number(depth - 1) + ", " + number(depth - 1) + ")";
        case 1: return "States.ArrayLength(" + array(depth - 1) + ")";
        case 2: return "States.MathRandom(0, 100, " + number(depth - 1) + ")";
        default:
            // Random, but always alike.
            return pick({"States.MathRandom(1, 2)",
                         "States.ArrayLength(States.Array(States.UUID(), $$.State.EnteredTime))"});
    }
}

std::string RandomExpression::text(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".s"),
                        in_input(".e"),
                        in_input(".o.k"),
                        in_input("['o']['k']"),
                        "'it\\'s'",
                        "$$.Execution.Id",
                        "$$.Execution.Name",
                        "$$.Execution.RoleArn",
                        "$$.Execution.StartTime",
                        "$$.State.Name",
                        "$$.StateMachine.Id",
                        "$$.StateMachine.Name"};
        if (!around_.may_name_execution()) {
            for (const char* fact : {"Id", "Name", "StartTime"})
                std::erase(leaves, std::string("$$.Execution.") + fact);
        }
        if (around_.has_variables) leaves.emplace_back("$v.k");
        if (!around_.local.empty()) leaves.push_back("$" + around_.local);
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(6)) {
        case 0: return "States.Format('{} and {} \\{\\}', " + argument(inner) + ", $$.State.Name)";
        case 1: return "States.Base64Encode(" + text(inner) + ")";
        case 2: return "States.Base64Decode('aGVsbG8=')";
        case 3:
            return "States.Hash(" + argument(inner) + ", '" +
                   pick({"MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"}) + "')";
        case 4: return "States.JsonToString(" + argument(inner) + ")";
        default: return "States.ArrayGetItem(States.StringSplit('a-b,c', '-,'), 1)";
    }
}

std::string RandomExpression::array(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".none"), in_input(".o.n"), in_input(".list[0:2]"),
                        in_input(".list[-1:]"), in_input(".list[0,2]")};
        if (around_.has_input) {
            const Texts more = {"$.list", "$.list[*]", "$.list[?(@ > 1)]", "$.list..b",
                                "$['list']"};
            leaves.insert(leaves.end(), more.begin(), more.end());
        }
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(5)) {
        case 0: return "States.Array(" + argument(inner) + ", " + argument(inner) + ")";
        case 1: return "States.ArrayPartition(" + array(inner) + ", 2)";
        case 2: return "States.ArrayRange(1, 9, 2)";
        case 3: return "States.ArrayUnique(" + array(inner) + ")";
        default: return "States.StringSplit(" + text(inner) + ", '-,')";
    }
}

std::string RandomExpression::object(int depth) {
    if (depth == 0 || dice(2) == 0) {
        Texts leaves = {in_input(".o"), "$$.StateMachine"};
        if (around_.has_variables) leaves.emplace_back("$v");
        if (around_.has_index) leaves.emplace_back("$$.Map.Item");
        if (!around_.is_exact) leaves.emplace_back("$$.State");
        return pick(leaves);
    }
    const int inner = depth - 1;
    switch (dice(4)) {
        case 0: return "States.JsonMerge(" + object(inner) + ", " + object(inner) + ", false)";
        case 1: return "States.StringToJson(" + in_input(".doc") + ")";
        case 2: return "States.StringToJson(States.JsonToString(" + object(0) + "))";
        default: return "States.ArrayGetItem(States.Array(1, " + object(inner) + "), 1)";
    }
}

std::string RandomExpression::boolean(int depth) {
    if (depth == 0 || dice(2) == 0) return pick({in_input(".b"), "true", in_input(".nil"), "null"});
    return "States.ArrayContains(" + array(depth - 1) + ", " + argument(depth - 1) + ")";
}

std::string RandomExpression::failing() {
    return pick({"States.StringToJson('no JSON')", "States.ArrayGetItem(States.Array(1), 7)",
                 "States.MathAdd('one', 1)", "States.Base64Decode('?')",
                 "States.Hash('a', 'SHA-0')", "States.ArrayPartition(States.Array(1), 0)",
                 "States.JsonMerge('a', 'b', false)"});
}

json::Value RandomExpression::payload(int depth) {
    json::Value out = json::Value::object();
    for (uint64_t i = 0; i <= dice(3); ++i) {
        const std::string name = "p" + std::to_string(i);
        if (depth > 0 && dice(4) == 0) {
            if (dice(2) == 0) out.set(name, payload(depth - 1));
            else out.set(name, json::Value(json::Array{payload(depth - 1), json::Value("text")}));
        } else if (dice(4) == 0) {
            out.set(name, int64_t(dice(10)));
        } else {
            out.set(name + ".$", any());
        }
    }
    return out;
}

json::Value RandomExpression::rule(int depth) {
    if (depth > 0 && dice(3) == 0) {
        if (dice(3) == 0) return json::Value::object({{"Not", rule(depth - 1)}});
        json::Array rules = {rule(depth - 1), rule(depth - 1)};
        return json::Value::object({{dice(2) == 0 ? "And" : "Or", json::Value(std::move(rules))}});
    }
    return dice(4) == 0 ? type_test() : comparison();
}

json::Value RandomExpression::type_test() {
    const std::string test =
        pick({"IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"});
    Texts variables = {"$.n", "$.s", "$.b", "$.t", "$.nil", "$.list[1]", "$$.State.EnteredTime"};
    // Only this one may be asked of what is not there.
    if (test == "IsPresent") variables = {"$.n", "$.nothing", "$.list[99]", "$unknown", "$.o.k"};
    return json::Value::object({{"Variable", pick(variables)}, {test, dice(2) == 0}});
}

json::Value RandomExpression::comparison() {
    const Texts orders = {"Equals", "LessThan", "GreaterThan", "LessThanEquals",
                          "GreaterThanEquals"};
    const std::string order = pick(orders);
    const Texts texts = {"$.s", "$.e", "$.o.k", "$$.State.Name"};
    const Texts numbers = {"$.n", "$.x", "$.list[0]", around_.has_variables ? "$vn" : "$.n"};
    const Texts times = {"$.t", around_.may_name_execution() ? "$$.Execution.StartTime" : "$.t"};
    std::string name, variable, other;
    json::Value literal;
    switch (dice(5)) {
        case 0:
            name = "String" + order, variable = pick(texts), other = pick(texts);
            literal = json::Value(pick({"E", "a-b,c", "v", ""}));
            break;
        case 1:
            name = "Numeric" + order, variable = pick(numbers), other = pick(numbers);
            literal = dice(2) == 0 ? json::Value(int64_t(dice(4))) : json::Value(2.5);
            break;
        case 2:
            name = "Timestamp" + order, variable = pick(times), other = pick(times);
            literal = json::Value("2023-11-14T22:13:30+00:00");
            break;
        case 3:
            name = "BooleanEquals", variable = "$.b", other = "$.b";
            literal = json::Value(dice(2) == 0);
            break;
        default:
            return json::Value::object({{"Variable", pick(texts)},
                                        {"StringMatches", pick({"a*", "*-*c", "a\\*", "*", "?"})}});
    }
    if (dice(6) == 0) variable = "$.nil";  // of another type: false
    if (dice(3) == 0)
        return json::Value::object({{"Variable", variable}, {name + "Path", json::Value(other)}});
    return json::Value::object({{"Variable", variable}, {name, std::move(literal)}});
}

}  // namespace tandem::asl::testing
