#include "json/path/path.h"

#include <gtest/gtest.h>

namespace tandem::json {
namespace {

constexpr std::string_view kStore = R"({
  "store": {
    "book": [
      {"category": "reference", "author": "Nigel Rees", "title": "Sayings", "price": 8.95},
      {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword", "price": 12.99},
      {"category": "fiction", "author": "Herman Melville", "title": "Moby",
       "isbn": "0-553", "price": 8.99},
      {"category": "fiction", "author": "Tolkien", "title": "Lord",
       "isbn": "0-395", "price": 22.99}],
    "bicycle": {"color": "red", "price": 19.95}},
  "expensive": 10,
  "numbers": [1, 2, 3, 4],
  "names": ["a", "b"],
  "odd key": {"it's": 1, "a.b": 2},
  "nothing": null,
  "text": "hello",
  "empty": {"list": [], "object": {}, "text": ""},
  "limits": {"max": 10}
})";

std::string eval(std::string_view path, std::string_view json = kStore) {
    const auto root = parse(json);
    const auto compiled = Path::compile(path);
    if (!compiled) return "compile: " + compiled.error().message;
    const auto value = compiled->evaluate(*root);
    return value ? print(*value) : value.error().message;
}

struct Case {
    const char* path;
    const char* result;
};

void expect_all(std::initializer_list<Case> cases) {
    for (const Case& c : cases) EXPECT_EQ(eval(c.path), c.result) << c.path;
}

TEST(Path, DefinitePathsGiveTheValue) {
    expect_all({{"$.expensive", "10"},
                {"$['expensive']", "10"},
                {"$[\"expensive\"]", "10"},
                {"$.store.book[0].title", "\"Sayings\""},
                {"$.store.book[-1].title", "\"Lord\""},
                {"$.store.bicycle['color','price']", R"({"color":"red","price":19.95})"},
                {"$.store.bicycle['color','weight']", R"({"color":"red"})"},
                {"$['odd key']['it\\'s']", "1"},
                {"$['odd key']['a.b']", "2"},
                {"$.nothing", "null"},
                {"$.['text']", "\"hello\""}});
    EXPECT_EQ(eval("$", "[1]"), "[1]");
    EXPECT_EQ(eval("$[1]", "[1,2]"), "2");
}

TEST(Path, DefinitePathsThatLeadNowhere) {
    expect_all({{"$.no", "No results for path: $['no']"},
                {"$.no.such.path", "Missing property in path $['no']"},
                {"$.store.no.such", "Missing property in path $['store']['no']"},
                {"$.numbers[9]", "No results for path: $['numbers'][9]"},
                {"$.numbers[-5]", "No results for path: $['numbers'][-5]"},
                {"$.nothing[0]", "The path $['nothing'] is null"},
                {"$.text[0]",
                 "Filter: [0] can only be applied to arrays. Current context is: \"hello\""}});
    EXPECT_EQ(eval("$.text.x").substr(0, 63),
              "Expected to find an object with property ['x'] in path $['text'");
}

TEST(Path, IndefinitePathsGiveArrays) {
    expect_all(
        {{"$.numbers[*]", "[1,2,3,4]"},
         {"$.numbers[0,2]", "[1,3]"},
         {"$.numbers[0,9]", "[1]"},
         {"$.numbers[1:3]", "[2,3]"},
         {"$.numbers[:2]", "[1,2]"},
         {"$.numbers[2:]", "[3,4]"},
         {"$.numbers[-2:]", "[3,4]"},
         {"$.numbers[:-1]", "[1,2,3]"},
         {"$.numbers[-3:-1]", "[2,3]"},
         {"$.numbers[-9:]", "[1,2,3,4]"},
         {"$.numbers[9:]", "[]"},
         {"$.numbers[3:1]", "[]"},
         {"$.store.book[*].isbn", R"(["0-553","0-395"])"},
         {"$.store.*.color", R"(["red"])"},
         {"$.empty.*", R"([[],{},""])"},
         {"$.text[*]", "[]"},
         {"$..price", "[8.95,12.99,8.99,22.99,19.95]"},
         {"$..book[0].title", R"(["Sayings"])"},
         {"$..book[*].author", R"(["Nigel Rees","Evelyn Waugh","Herman Melville","Tolkien"])"},
         {"$..nope", "[]"},
         {"$.limits..*", "[10]"}});
}

TEST(Path, Filters) {
    expect_all(
        {{"$.store.book[?(@.price < 9)].title", R"(["Sayings","Moby"])"},
         {"$.store.book[?(@.isbn)].title", R"(["Moby","Lord"])"},
         {"$.store.book[?(!@.isbn)].title", R"(["Sayings","Sword"])"},
         {"$.store.book[?(!(@.isbn))].title", R"(["Sayings","Sword"])"},
         {"$.store.book[?(@.price > $.expensive)].title", R"(["Sword","Lord"])"},
         {"$.store.book[?(@.category == 'fiction' && @.price < 10)].title", R"(["Moby"])"},
         {"$.store.book[?(@.category=='reference'||@.price>20)].title", R"(["Sayings","Lord"])"},
         {"$.store.book[?(@.price < 9 || (@.price > 20 && @.isbn))].title",
          R"(["Sayings","Moby","Lord"])"},
         {"$.store.book[?(@['author'] == \"Tolkien\")].title", R"(["Lord"])"},
         {"$.store.book[?(@.title in ['Lord', 'Moby'])].price", "[8.99,22.99]"},
         {"$.store.book[?(@.title NIN ['Lord', 'Moby'])].price", "[8.95,12.99]"},
         {"$.store.book[?(@.author =~ /.*melville/i)].title", R"(["Moby"])"},
         {"$.store.book[?(@.author =~ /melville/i)].title", "[]"},
         {"$.store.book[?(@.author contains 'Waugh')].title", R"(["Sword"])"},
         {"$.store.book[?(@.title size 4)].title", R"(["Moby","Lord"])"},
         {"$.store.book[?(@.isbn != '0-553')].title", R"(["Sayings","Sword","Lord"])"},
         {"$.numbers[?(@ >= 3)]", "[3,4]"},
         {"$.numbers[?(@ <= 1.0)]", "[1]"},
         {"$.numbers[?(@ == '2')]", "[2]"},
         {"$.numbers[?(@ === '2')]", "[]"},
         {"$.numbers[?(@ !== '2')]", "[1,2,3,4]"},
         {"$.numbers[?(@ > 'a')]", "[]"},
         {"$.numbers[?(@.x == null)]", "[]"},
         {"$.store[?(@.color == 'red')]", "[]"},
         {"$.store.bicycle[?(@.color == 'red')].price", "[19.95]"},
         {"$..[?(@.color == 'red')].price", "[19.95]"},
         {"$..book[?(@.price == 8.95)].author", R"(["Nigel Rees"])"},
         {"$.empty[?(@.list empty true)]", R"([{"list":[],"object":{},"text":""}])"},
         {"$.empty[?(@.text empty false)]", "[]"},
         {"$.text[?(@.x)]",
          "Filter: [?] can not be applied to primitives. Current context is: \"hello\""}});
}

TEST(Path, ListOperators) {
    constexpr std::string_view kLists =
        R"([{"n":1,"s":["a","b"]},{"n":2,"s":["c"]},{"n":3,"s":[]}])";
    const Case cases[] = {{"$[?(@.s subsetof ['a','b','d'])].n", "[1,3]"},
                          {"$[?(@.s anyof ['a','c'])].n", "[1,2]"},
                          {"$[?(@.s noneof ['a'])].n", "[2,3]"},
                          {"$[?(@.s contains 'c')].n", "[2]"},
                          {"$[?(@.s all ['b','a'])].n", "[1]"},
                          {"$[?(@.s size 1)].n", "[2]"},
                          {"$[?(@.s empty true)].n", "[3]"},
                          {"$[?(@.s == [\"c\"])].n", "[2]"},
                          {"$[?(@.s == ['c'])].n", "[2]"}};
    for (const Case& c : cases) EXPECT_EQ(eval(c.path, kLists), c.result) << c.path;
}

TEST(Path, Functions) {
    expect_all({{"$.numbers.length()", "4"},
                {"$.numbers.size()", "4"},
                {"$.store.length()", "2"},
                {"$.text.length()", "null"},
                {"$.numbers.min()", "1.0"},
                {"$.numbers.max()", "4.0"},
                {"$.numbers.sum()", "10.0"},
                {"$.numbers.avg()", "2.5"},
                {"$.numbers.first()", "1"},
                {"$.numbers.last()", "4"},
                {"$.numbers.index(-2)", "3"},
                {"$.numbers.append(5).length()", "5"},
                {"$.limits.keys()", R"(["max"])"},
                {"$.names.concat('-', $.text)", "\"ab-hello\""},
                {"$..price.sum()", "73.87"},
                {"$..nope.length()", "0"},
                {"$.sum($.numbers, 5)", "15.0"},
                {"$.empty.list.avg()",
                 "Aggregation function attempted to calculate value using empty array"}});
    EXPECT_EQ(eval("$.a.stddev()", R"({"a":[2,4,4,4,5,5,7,9]})"), "2.0");
    EXPECT_EQ(eval("$[?(@.list.length() > 1)].n", R"([{"n":1,"list":[1,2]},{"n":2,"list":[]}])"),
              "[1]");
}

TEST(Path, RefusesWhatIsNoPath) {
    for (const char* text : {"",
                             "a",
                             ".a",
                             "$.",
                             "$..",
                             "$a",
                             "$.a.",
                             "$.a..",
                             "$[",
                             "$[]",
                             "$['a",
                             "$['a'",
                             "$['a',]",
                             "$[a]",
                             "$[1",
                             "$[1,]",
                             "$[:]",
                             "$[1:2:3]",
                             "$[99999999999999999999]",
                             "$.a b",
                             "$.*x",
                             "$[?]",
                             "$[?()]",
                             "$[?(@.a ==)]",
                             "$[?(@.a = 1)]",
                             "$[?(@.a == 1]",
                             "$[?(1)]",
                             "$[?(@.a =~ /(/)]",
                             "$[?(@.a =~ /a/q)]",
                             "$[?(@.a =~ 'a')]",
                             "$.nope()",
                             "$.sum(",
                             "$.a.index()",
                             "$[?(@.a == 'x)]",
                             "$.\xff",
                             "$]"}) {
        const auto path = Path::compile(text);
        ASSERT_FALSE(path.has_value()) << text;
        EXPECT_EQ(path.error().code, ErrorCode::kInvalidArgument);
    }
    const std::string deep = "$[?" + std::string(10'000, '(');
    EXPECT_FALSE(Path::compile(deep).has_value());
    std::string nots = "$[?(" + std::string(10'000, '!') + "@.a)]";
    EXPECT_FALSE(Path::compile(nots).has_value());
    std::string steps = "$";
    for (int i = 0; i < 10'000; ++i) steps += ".a";
    EXPECT_FALSE(Path::compile(steps).has_value());
}

TEST(Path, SaysWhatItIs) {
    struct {
        const char* text;
        bool definite, reference;
        const char* canonical;
    } cases[] = {{"$", true, true, "$"},
                 {"$.a.b", true, true, "$['a']['b']"},
                 {"$['a'][0]", true, true, "$['a'][0]"},
                 {"$.a[0,1]", false, false, "$['a'][0,1]"},
                 {"$['a','b']", true, false, "$['a','b']"},
                 {"$['a','b'].c", false, false, "$['a','b']['c']"},
                 {"$.a[*]", false, false, "$['a'][*]"},
                 {"$..a", false, false, "$..['a']"},
                 {"$.a[1:2]", false, false, "$['a'][1:2]"},
                 {"$.a[?(@.b)]", false, false, "$['a'][?]"},
                 {"$.a.length()", true, false, "$['a'].length()"},
                 {"$..a.length()", true, false, "$..['a'].length()"}};
    for (const auto& c : cases) {
        const auto path = Path::compile(c.text);
        ASSERT_TRUE(path.has_value()) << c.text;
        EXPECT_EQ(path->is_definite(), c.definite) << c.text;
        EXPECT_EQ(path->is_reference_path(), c.reference) << c.text;
        EXPECT_EQ(path->canonical(), c.canonical);
        EXPECT_EQ(path->text(), c.text);
    }
}

TEST(Path, PutsAtReferencePaths) {
    const struct {
        const char* path;
        const char* root;
        const char* result;
    } cases[] = {{"$", R"({"a":1})", "7"},
                 {"$.a", "{}", R"({"a":7})"},
                 {"$.a", R"({"a":1,"b":2})", R"({"a":7,"b":2})"},
                 {"$.a.b.c", R"({"x":0})", R"({"x":0,"a":{"b":{"c":7}}})"},
                 {"$.a.b", R"({"a":{"c":1}})", R"({"a":{"c":1,"b":7}})"},
                 {"$.a[1]", R"({"a":[1,2]})", R"({"a":[1,7]})"},
                 {"$[0].x", R"([{}])", R"([{"x":7}])"},
                 {"$.a", "\"input1\"", "Unable to apply ReferencePath $.a to input \"input1\""},
                 {"$.a", "null", "Unable to apply ReferencePath $.a to input null"},
                 {"$.a.b", R"({"a":1})", R"(Unable to apply ReferencePath $.a.b to input {"a":1})"},
                 {"$.a[2]", R"({"a":[1,2]})",
                  R"(Unable to apply ReferencePath $.a[2] to input {"a":[1,2]})"},
                 {"$.a[0]", "{}", "Unable to apply ReferencePath $.a[0] to input {}"}};
    for (const auto& c : cases) {
        const Value root = *parse(c.root);
        const auto changed = Path::compile(c.path)->put(root, 7);
        EXPECT_EQ(changed ? print(*changed) : changed.error().message, c.result) << c.path;
        EXPECT_EQ(print(root), c.root);  // what was shared is untouched
    }
}

TEST(Path, BoundsItsWork) {
    // Patterns: none that multiplies out, none that backtracks for ever, and a price per character.
    EXPECT_FALSE(Path::compile("$[?(@ =~ /((a?){90}){90}/)]").has_value());
    EXPECT_FALSE(Path::compile("$[?(@ =~ /a{99999999999999999999}/)]").has_value());
    EXPECT_FALSE(Path::compile("$[?(@ =~ /(a{30}){40}/)]").has_value());
    EXPECT_FALSE(Path::compile("$[?(@ =~ /((((a{2}){9}){9}){9}/)]").has_value());
    for (const char* usual : {R"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
                              R"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z)"}) {
        EXPECT_TRUE(Path::compile("$[?(@ =~ /" + std::string(usual) + "/)]").has_value()) << usual;
    }
    EXPECT_FALSE(Path::compile("$[?(@ =~ /" + std::string(600, 'a') + "/)]").has_value());
    const Value text = Value(Array{Value(std::string(3'000, 'a'))});
    EXPECT_EQ(print(*Path::compile("$[?(@ =~ /(a+)+b/)]")->evaluate(text)), "[]");
    const Value long_text = Value(Array{Value(std::string(200'000, 'a'))});
    EXPECT_EQ(Path::compile("$[?(@ =~ /(aaaaaaaaaa|a){9}b/)]")->evaluate(long_text).error().code,
              ErrorCode::kTooLarge);
    Value wide = Value::array();
    for (int i = 0; i < 2'000; ++i) wide.push_back(Value::object({{"a", i}}));
    const auto cross = Path::compile("$[?(@.a in $[*].a && @.a in $[*].a)]");
    ASSERT_TRUE(cross.has_value());
    const auto value = cross->evaluate(wide);
    ASSERT_FALSE(value.has_value());
    EXPECT_EQ(value.error().code, ErrorCode::kTooLarge);
    // Work that is not a visit: deep comparisons, long texts, functions over arrays.
    const std::string as(60'000, 'a');
    const Value all = Value::object({{"l", wide}, {"m", wide}, {"s", as}, {"t", as + "b"}});
    for (const char* path :
         {"$.l[?($.l == $.m)]", "$.l[?($.l != $.m)]", "$.l[?($.s < $.t)]",
          "$.l[?($.t contains $.s)]", "$.l[?(@.a > $.m.concat())]", "$.l[?($.m contains $.l)]"}) {
        const auto compiled = Path::compile(path);
        ASSERT_TRUE(compiled.has_value()) << path << compiled.error().message;
        const auto costly = compiled->evaluate(all);
        ASSERT_FALSE(costly.has_value()) << path;
        EXPECT_EQ(costly.error().code, ErrorCode::kTooLarge) << path;
    }
    // A budget is shared by all evaluations that it is given to.
    Budget budget{6'000};
    const auto scan = Path::compile("$.l[*].a");
    EXPECT_TRUE(scan->evaluate(all, budget).has_value());
    EXPECT_FALSE(scan->evaluate(all, budget).has_value());
    EXPECT_TRUE(budget.is_spent());
}

}  // namespace
}  // namespace tandem::json
