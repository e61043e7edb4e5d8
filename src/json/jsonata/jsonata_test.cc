#include "json/jsonata/jsonata.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "json/jsonata/identifier.h"

namespace tandem::jsonata {
namespace {

struct Said {
    std::string expression;
    std::string wanted;  // JSON; "undefined"; or an error's code
};

std::string answer(const std::string& text, const std::string& input = "",
                   Dialect dialect = Dialect::kReference, const Options& options = {}) {
    const auto expression = Expression::compile(text, dialect);
    if (!expression.has_value()) return expression.error().code;
    json::Value value;
    if (!input.empty()) value = json::parse(input).value();
    const auto result =
        (*expression)->evaluate(input.empty() ? nullptr : &value, Lookup(), options);
    if (!result.has_value()) return result.error().code;
    return result->has_value() ? json::print(**result) : "undefined";
}

void expect_all(const std::vector<Said>& all, const std::string& input = "",
                Dialect dialect = Dialect::kReference) {
    for (const Said& said : all) {
        EXPECT_EQ(answer(said.expression, input, dialect), said.wanted) << said.expression;
    }
}

constexpr const char* kOrders =
    R"({"who":"Ann","orders":[{"id":"a","items":[{"n":"pen","price":2,"count":3},)"
    R"({"n":"ink","price":5.5,"count":1}]},{"id":"b","items":[{"n":"pad","price":4,"count":2}]}],)"
    R"("zero":0.0,"tags":["x"],"nested":[[1,2],[3]]})";

TEST(Jsonata, PathsMakeSequences) {
    expect_all({{"who", "\"Ann\""},
                {"orders.id", "[\"a\",\"b\"]"},
                {"orders.items.n", "[\"pen\",\"ink\",\"pad\"]"},
                {"orders[0].items.n", "[\"pen\",\"ink\"]"},
                {"orders[-1].items.n", "\"pad\""},
                {"orders[-1].items.n[]", "[\"pad\"]"},
                {"orders.items[price > 3].n", "[\"ink\",\"pad\"]"},
                {"orders.items[0].n", "[\"pen\",\"pad\"]"},
                {"(orders.items)[0].n", "\"pen\""},
                {"nothing.at.all", "undefined"},
                {"tags", "[\"x\"]"},
                {"orders.items.(price * count)", "[6,5.5,8]"},
                {"$sum(orders.items.(price * count))", "19.5"},
                {"orders.`id`", "[\"a\",\"b\"]"},
                {"orders.**.price", "[2,5.5,4]"},
                {"zero", "0.0"}},
               kOrders);
}

TEST(Jsonata, BindingsOfSteps) {
    expect_all(
        {{"orders.items.{'o': %.id, 'n': n}[1]", R"({"o":"a","n":"ink"})"},
         {"orders#$i.items.($i & n)", R"(["0pen","0ink","1pad"])"},
         {"orders@$o.who.{'id': $o.id, 'w': $}", R"([{"id":"a","w":"Ann"},{"id":"b","w":"Ann"}])"},
         {"orders.items^(>price).n", R"(["ink","pad","pen"])"},
         {"orders.items{n: price}", R"({"pen":2,"ink":5.5,"pad":4})"}},
        kOrders);
}

TEST(Jsonata, NumbersStayWhole) {
    expect_all({{"1 + 1", "2"},
                {"6 / 2", "3"},
                {"1 / 2", "0.5"},
                {"0.1 + 0.2", "0.30000000000000004"},
                {"$string(0.1 + 0.2)", "\"0.3\""},
                {"2 * 0.5", "1"},
                {"-5 % 3", "-2"},
                {"$number('0x1F')", "31"},
                {"$round(2.5)", "2"},
                {"$string(1e21)", "\"1e+21\""},
                {"9007199254740991 + 1", "9007199254740992"}});
}

TEST(Jsonata, FunctionsAndClosures) {
    expect_all({{"($f := function($x){$x * 2}; $map([1..3], $f))", "[2,4,6]"},
                {"$map([1,2], function($v, $i){$v + $i})", "[1,3]"},
                {"($add := function($a, $b){$a + $b}; ($add(?, 2))(3))", "5"},
                {"$reduce([1..5], function($a, $b){$a * $b})", "120"},
                {"'a-b' ~> $split('-') ~> $join('+')", "\"a+b\""},
                {"($f := $uppercase ~> $length; $f('abc'))", "3"},
                {"($e := function($n){$n = 0 ? 'end' : $e($n - 1)}; $e(5000))", "\"end\""},
                {"function($x)<n:n>{$x}('a')", "T0410"},
                {"$sort([3,1,2], function($a, $b){$a < $b})", "[3,2,1]"},
                {"undefined ?? 'b'", "\"b\""},
                {"0 ?: 'b'", "\"b\""},
                {"{'a': 1} ~> |$|{'b': 2}, 'a'|", "{\"b\":2}"}});
}

TEST(Jsonata, Patterns) {
    expect_all({{"$replace('John Smith', /(\\w+)\\s(\\w+)/, '$2, $1')", "\"Smith, John\""},
                {"$match('ababbabbb', /ab+/).match", R"(["ab","abb","abbb"])"},
                {"$split('a1b22c', /[0-9]+/)", R"(["a","b","c"])"},
                {"$contains('ABC', /b/i)", "true"},
                {"$replace('abc', /x*/, 'y')", "D1004"},
                {"/(?=a)/", "S0303"}});
}

TEST(Jsonata, ErrorsHaveTheReferencesCodes) {
    expect_all({{"1 +", "S0207"},
                {"1 + 'a'", "T2002"},
                {"'a' < 1", "T2009"},
                {"$notThere()", "T1006"},
                {"sum(1)", "T1005"},
                {"$sum(1,)", "S0211"},
                {"[1,]", "S0211"},
                {"{'a':1,}", "S0211"},
                {"(1;)", "1"},
                {"? 1", "S0211"},
                {"$sum(['a'])", "T0412"},
                {"[1..20000000]", "D2014"},
                {"\"abc", "S0101"},
                {"$error('no')", "D3137"},
                {"function($a, $b, $c)<as?s>{[$a, $c]}(['a'], '-')", "[\"a\"]"},
                {"%", "S0217"}});
    const auto expression = Expression::compile("$sum('a')").value();
    const auto result = expression->evaluate(nullptr, Lookup(), Options());
    EXPECT_EQ(result.error().message,
              "Argument 1 of function \"sum\" must be an array of \"numbers\"");
}

TEST(Jsonata, TheDialectOfStates) {
    expect_all({{"$partition([1..5], 2)", "[[1,2],[3,4],[5]]"},
                {"$range(1, 9, 4)", "[1,5,9]"},
                {"$hash('a', 'MD5')", "\"0cc175b9c0f1b6a831c399e269772661\""},
                {"$random(1) = $random(1)", "true"},
                {"$length($uuid())", "36"},
                {"$parse('{\"a\":[1]}').a", "[1]"},
                {"$parse('{')", "D3121"},
                {"$eval('1')", "T1006"}},
               "", Dialect::kStates);
    EXPECT_EQ(answer("$eval('1 + 1')"), "2");
    EXPECT_EQ(answer("$uuid()"), "T1006");
}

TEST(Jsonata, VariablesComeFromOutside) {
    const json::Value states = json::parse(R"({"input":{"n":7}})").value();
    const auto expression = Expression::compile("$states.input.n + $x.y").value();
    const auto lookup = [&](std::string_view name) -> const json::Value* {
        return name == "states" ? &states : nullptr;
    };
    EXPECT_EQ(expression->evaluate(nullptr, lookup, Options()).value(), std::nullopt);
    EXPECT_EQ(expression->uses().variables, (std::vector<std::string>{"states", "x"}));
    EXPECT_EQ(expression->uses().fields, std::vector<std::string>());
    const auto other = Expression::compile("a.b[c] & $ & $f($$) & $sum(1)").value();
    EXPECT_EQ(other->uses().variables, (std::vector<std::string>{"", "f", "$"}));
    EXPECT_EQ(other->uses().functions, (std::vector<std::string>{"f", "sum"}));
    EXPECT_EQ(other->uses().fields, std::vector<std::string>{"a"});
    const auto all = Expression::compile("[*.a, **.b, c, (d; $f(e)), f{g: h}]").value();
    EXPECT_EQ(all->uses().fields, (std::vector<std::string>{"*", "**", "c", "d", "e", "f"}));
}

TEST(Jsonata, Identifiers) {
    for (const char* yes :
         {"a", "A1", "a_b", "\xC3\xA9t\xC3\xA9", "\xE5\x90\x8D\xE5\x89\x8D", "x\xCC\x81"})
        EXPECT_TRUE(is_identifier(yes)) << yes;
    for (const char* no :
         {"", "1a", "_a", "a-b", "a b", "a.b", "$a", "a\n", "\xF0\x9F\x98\x80", "\xFF"})
        EXPECT_FALSE(is_identifier(no)) << no;
}

TEST(Jsonata, NothingRunsForEver) {
    Options options;
    options.bounds.steps = 200'000;
    for (const char* text :
         {"($f := function(){$f()}; $f())", "($f := function($n){1 + $f($n)}; $f(1))",
          "$reduce([1..100000], function($a, $b){[[$a]]})",
          "($f := function($s){$f($s & $s)}; $f('abc'))", "$pad('a', 1e12)",
          "$string([1..10000000])"}) {
        EXPECT_EQ(answer(text, "", Dialect::kReference, options), "U1001") << text;
    }
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += '(';
    EXPECT_EQ(answer(deep), "U1001");
    EXPECT_EQ(answer("1" + std::string(100'000, '+') + "1"), "S0211");
    std::string sum = "1";
    for (int i = 0; i < 100'000; ++i) sum += "+1";
    EXPECT_EQ(answer(sum), "U1001");
    EXPECT_EQ(answer("$count([1..10000000])"), "10000000");
}

RC_GTEST_PROP(JsonataProperty, AnyTextEndsAndResultsAreJson, ()) {
    static const std::vector<std::string> kParts = {"a",    "$x",
                                                    "1",    "'s'",
                                                    ".",    "[",
                                                    "]",    "(",
                                                    ")",    "{",
                                                    "}",    ":",
                                                    ",",    "+",
                                                    "-",    "*",
                                                    "**",   "%",
                                                    "^(",   "<",
                                                    "?",    ":=",
                                                    "~>",   "|",
                                                    "&",    "$sum",
                                                    "@$x",  "#$i",
                                                    "..",   "/a/",
                                                    "=",    "and",
                                                    "$map", "function($x){",
                                                    ";",    "$"};
    const auto picks =
        *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, kParts.size()));
    std::string text;
    for (const size_t pick : picks) text += kParts[pick] + (pick % 3 == 0 ? " " : "");
    Options options;
    options.bounds = {100, 20'000, 1u << 20};
    const std::string said =
        answer(text, R"({"a":[{"a":1},2,"s",[3]],"s":null})", Dialect::kReference, options);
    if (said == "undefined" || std::string("SDTU").find(said[0]) != std::string::npos) return;
    RC_ASSERT(json::parse(said).has_value());
}

}  // namespace
}  // namespace tandem::jsonata
