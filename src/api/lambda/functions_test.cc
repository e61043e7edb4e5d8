#include "api/lambda/lambda_fixture.h"
#include "api/lambda/routes.h"
#include "model/function_spec.h"

namespace tandem::lambda {
namespace {

using json::Value;

TEST_F(LambdaTest, CreatesAndShows) {
    const Answered created = create("f");
    ASSERT_EQ(created.status, 201) << created.text;
    EXPECT_EQ(created.field("FunctionArn"), arn("f"));
    EXPECT_EQ(created.field("State"), "Active");
    EXPECT_EQ(created.field("LastUpdateStatus"), "Successful");
    EXPECT_EQ(created.field("Version"), "$LATEST");
    EXPECT_EQ(created.field("LastModified"), "2023-11-14T22:13:20.123+0000");
    EXPECT_EQ(created.field("CodeSha256"), base64_encode(sha256("PK-zip-bytes")));
    EXPECT_EQ(created.body.int_or("CodeSize", 0), 12);
    EXPECT_EQ(created.body.int_or("Timeout", 0), 3);
    EXPECT_EQ(created.body.int_or("MemorySize", 0), 128);
    EXPECT_EQ(get("/f/configuration").body, created.body);

    const auto callable = *engine_.callable({CallableKind::kFunction, "f", ""});
    EXPECT_EQ(callable->language, "invocation");
    EXPECT_EQ(callable->revision, "$LATEST");
    const auto spec = *decode_function_spec(callable->definition.view());
    EXPECT_EQ(spec.code_blob, hex(sha256("PK-zip-bytes")));
    EXPECT_EQ(create("f").status, 409);
    EXPECT_EQ(create("f").message(), "Function already exist: f");
}

TEST_F(LambdaTest, AnOrchestrationHasNoCode) {
    Value wanted = Value::object({{"FunctionName", "o"},
                                  {"Runtime", "durable-task"},
                                  {"Handler", "cities"},
                                  {"Role", "arn:aws:iam::123456789012:role/r"},
                                  {"Code", Value::object({{"ZipFile", "UEs="}})}});
    EXPECT_EQ(call("POST", "", wanted).message(),
              "A function of the runtime 'durable-task' takes no code: its workers have the "
              "orchestrator.");
    wanted.set("Code", Value::object());
    const Answered created = call("POST", "", wanted);
    ASSERT_EQ(created.status, 201) << created.text;
    EXPECT_EQ(created.body.int_or("CodeSize", -1), 0);
    EXPECT_EQ(engine_.blob_count(), 0u);
    EXPECT_EQ(json::print(*get("/o").body.find("Code")), "{}");
    EXPECT_EQ(call("PUT", "/o/code", Value::object({{"ZipFile", "UEs="}})).error(),
              "InvalidParameterValueException");
    const auto becomes = [&](std::string_view name, const char* runtime) {
        return call("PUT", "/" + std::string(name) + "/configuration",
                    Value::object({{"Runtime", runtime}}));
    };
    EXPECT_EQ(becomes("o", "python3.11").error(), "InvalidParameterValueException");
    EXPECT_EQ(becomes("o", "durable-task").status, 200);
    create("f");
    EXPECT_EQ(becomes("f", "durable-task").error(), "InvalidParameterValueException");
    const auto handler = Value::object({{"Handler", "towns"}});
    EXPECT_EQ(call("PUT", "/o/configuration", handler).field("Handler"), "towns");
    EXPECT_EQ(call("POST", "/o/versions", Value::object()).field("Version"), "1");
}

TEST_F(LambdaTest, NamesAreFoundInEveryForm) {
    create("f");
    for (const std::string& form :
         {std::string("f"), arn("f"), std::string("123456789012:function:f"),
          std::string("function:f"), arn("f") + ":$LATEST", std::string("f%3A%24LATEST")}) {
        EXPECT_EQ(get("/" + form + "/configuration").status, 200) << form;
        EXPECT_EQ(get("/" + form).status, 200) << form;
        EXPECT_EQ(get("/" + form + "/").status, 200) << form;
    }
    EXPECT_EQ(get("/" + arn("f") + ":$LATEST/configuration").field("FunctionArn"),
              arn("f") + ":$LATEST");
    const Answered missing = get("/g?Qualifier=7");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.error(), "ResourceNotFoundException");
    EXPECT_EQ(missing.text,
              R"({"Type":"User","Message":"Function not found: )" + arn("g") + R"(:7"})");
    EXPECT_EQ(get("/f:1?Qualifier=2").error(), "InvalidParameterValueException");
    EXPECT_EQ(get("/a%20b").error(), "ValidationException");
    EXPECT_EQ(get("/f%ff").error(), "ValidationException");
    EXPECT_EQ(get("/f%2").error(), "ValidationException");
    EXPECT_EQ(get("/arn:aws:lambda:eu-west-1:123456789012:function:f").message(),
              "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
    EXPECT_EQ(get("/arn:aws:lambda:us-east-1:999999999999:function:f").status, 404);
    EXPECT_EQ(get("/" + std::string(65, 'x')).error(), "ValidationException");
}

TEST_F(LambdaTest, CreateRefusesBadInput) {
    auto with = [&](std::string_view key, Value value) {
        Value body = function("f");
        body.set(key, std::move(value));
        return call("POST", "", body);
    };
    EXPECT_EQ(send("POST", kFunctions, "{").error(), "SerializationException");
    EXPECT_EQ(send("POST", kFunctions, "[]").error(), "SerializationException");
    EXPECT_EQ(send("POST", kFunctions, "{\"FunctionName\":\"\xff\"}").error(),
              "SerializationException");
    EXPECT_EQ(send("POST", kFunctions, "{}").message(),
              "3 validation errors detected: Value null at 'functionName' failed to satisfy "
              "constraint: Member must not be null; "
              "Value null at 'role' failed to satisfy constraint: Member must not be null; "
              "Value null at 'code' failed to satisfy constraint: Member must not be null");
    EXPECT_EQ(with("Timeout", 901).message(),
              "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: "
              "Member must have value less than or equal to 900");
    EXPECT_EQ(with("Timeout", "3").error(), "SerializationException");
    EXPECT_EQ(with("MemorySize", 64).error(), "ValidationException");
    EXPECT_EQ(with("Role", "me").error(), "ValidationException");
    EXPECT_EQ(with("FunctionName", "a/b").error(), "ValidationException");
    EXPECT_EQ(with("Handler", "a b").error(), "ValidationException");
    EXPECT_EQ(with("Runtime", nullptr).error(), "InvalidParameterValueException");
    EXPECT_EQ(with("Code", Value::object({{"S3Bucket", "b"}, {"S3Key", "k"}})).error(),
              "InvalidParameterValueException");
    EXPECT_EQ(with("Code", Value::object({{"ZipFile", "***"}})).error(), "SerializationException");
    EXPECT_EQ(with("Code", Value::object()).message(),
              "Please provide a source for function code.");
    EXPECT_EQ(with("PackageType", "Image").error(), "InvalidParameterValueException");
    EXPECT_EQ(with("Layers", Value(json::Array{"arn"})).error(), "InvalidParameterValueException");
    EXPECT_EQ(with("Architectures", Value(json::Array{"vax"})).error(), "ValidationException");
    EXPECT_EQ(with("Environment", *json::parse(R"({"Variables":{"AWS_REGION":"x"}})")).error(),
              "InvalidParameterValueException");
    EXPECT_EQ(with("Environment", *json::parse(R"({"Variables":{"1a":"x"}})")).error(),
              "ValidationException");
    EXPECT_EQ(with("Environment", *json::parse(R"({"Variables":{"AB":1}})")).error(),
              "SerializationException");
    EXPECT_EQ(with("Environment",
                   Value::object({{"Variables", Value::object({{"AB", std::string(4096, 'x')}})}}))
                  .error(),
              "InvalidParameterValueException");
    engine_.refuse_definition =
        Error{ErrorCode::kInvalidArgument,
              "Could not unzip uploaded file. Please check your file, then try to upload again."};
    const Answered bad = create("f");
    EXPECT_EQ(bad.error(), "InvalidParameterValueException");
    EXPECT_EQ(bad.message(),
              "Could not unzip uploaded file. Please check your file, then try to upload again.");
    EXPECT_EQ(engine_.blob_count(), 0u);  // nothing of it is kept
}

TEST_F(LambdaTest, PackagesHaveALimit) {
    Limits limits;
    limits.function_zip_bytes = 10;
    LambdaDoor door(aws::Context{engine_, {}, limits, work_, clock_});
    net::HttpRequest request;
    request.method = "POST";
    request.target = kFunctions;
    request.body = json::print(function("f"));
    net::HttpResponse response;
    door.handle(request, [&](net::HttpResponse r) { response = std::move(r); });
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.headers.get_or("x-amzn-ErrorType", ""), "RequestEntityTooLargeException");
}

TEST_F(LambdaTest, CodeCanBeDownloadedByItsLinkOnly) {
    create("f");
    const Answered got = get("/f");
    const std::string link(got.body.find("Code")->string_or("Location", ""));
    ASSERT_EQ(link.substr(0, 19), "http://127.0.0.1:9/") << link;
    const std::string target = link.substr(18);
    const Answered zip = send("GET", target);
    EXPECT_EQ(zip.status, 200);
    EXPECT_EQ(zip.text, "PK-zip-bytes");
    net::HttpRequest request;
    request.target = target;
    EXPECT_TRUE(door_.is_self_proving(request));
    EXPECT_EQ(send("GET", target.substr(0, target.size() - 1)).status, 403);
    EXPECT_EQ(send("GET", target.substr(0, target.find('?'))).status, 403);
    clock_.advance_ms(601'000);
    EXPECT_EQ(send("GET", target).status, 403);
}

TEST_F(LambdaTest, UpdatesCodeAndConfiguration) {
    const std::string first = create("f").field("RevisionId");
    const Value code = Value::object({{"ZipFile", base64_encode("other")}});
    Value dry = code;
    dry.set("DryRun", true);
    EXPECT_EQ(call("PUT", "/f/code", dry).body.int_or("CodeSize", 0), 5);
    EXPECT_EQ(get("/f/configuration").body.int_or("CodeSize", 0), 12);
    const Answered updated = call("PUT", "/f/code", code);
    ASSERT_EQ(updated.status, 200);
    EXPECT_NE(updated.field("RevisionId"), first);
    EXPECT_EQ(get("/f/configuration").body.int_or("CodeSize", 0), 5);
    Value stale = code;
    stale.set("RevisionId", first);
    EXPECT_EQ(call("PUT", "/f/code", stale).status, 412);
    EXPECT_EQ(call("PUT", "/f/code", stale).error(), "PreconditionFailedException");

    const Answered changed = call(
        "PUT", "/f/configuration",
        *json::parse(R"({"Timeout":9,"Description":"d","Environment":{"Variables":{"AB":"c"}}})"));
    ASSERT_EQ(changed.status, 200) << changed.text;
    EXPECT_EQ(changed.body.int_or("Timeout", 0), 9);
    EXPECT_EQ(changed.field("Handler"), "app.handler");
    EXPECT_EQ(*changed.body.find("Environment"), *json::parse(R"({"Variables":{"AB":"c"}})"));
    EXPECT_EQ(call("PUT", "/f/configuration", *json::parse(R"({"Timeout":0})")).status, 400);
    EXPECT_EQ(call("PUT", "/g/configuration", Value::object()).status, 404);
    EXPECT_EQ(call("PUT", "/g/code", code).status, 404);
}

TEST_F(LambdaTest, ListsInPagesAndDeletes) {
    for (const char* name : {"a", "b", "c"}) create(name);
    call("POST", "/b/versions", Value::object());
    std::vector<std::string> seen;
    std::string marker;
    for (int page = 0; page < 10; ++page) {
        const Answered r =
            get("/?MaxItems=2" + (marker.empty() ? "" : "&Marker=" + percent_encode(marker)));
        for (const Value& f : r.body.find("Functions")->as_array())
            seen.emplace_back(f.string_or("FunctionName", ""));
        marker = r.field("NextMarker");
        if (marker.empty()) break;
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c"}));
    seen.clear();
    for (int page = 0; page < 10; ++page) {
        const Answered r = get("?FunctionVersion=ALL&MaxItems=1" +
                               (marker.empty() ? "" : "&Marker=" + percent_encode(marker)));
        for (const Value& f : r.body.find("Functions")->as_array())
            seen.emplace_back(f.string_or("FunctionArn", "").substr(arn("").size()));
        marker = r.field("NextMarker");
        if (marker.empty()) break;
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a:$LATEST", "b:$LATEST", "b:1", "c:$LATEST"}));
    EXPECT_EQ(get("?Marker=nonsense").error(), "InvalidParameterValueException");
    EXPECT_EQ(get("?MaxItems=0").error(), "ValidationException");
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/a").status, 204);
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/a").status, 404);
    EXPECT_EQ(get("").body.find("Functions")->as_array().size(), 2u);
}

TEST_F(LambdaTest, ConcurrencyIsReserved) {
    create("f");
    create("g");
    const std::string put = "/2017-10-31/functions/f/concurrency",
                      read = "/2019-09-30/functions/f/concurrency";
    EXPECT_EQ(send("GET", read).text, "{}");
    EXPECT_EQ(send("PUT", put, R"({"ReservedConcurrentExecutions":7})").text,
              R"({"ReservedConcurrentExecutions":7})");
    EXPECT_EQ(send("GET", read).text, R"({"ReservedConcurrentExecutions":7})");
    EXPECT_EQ(decode_function_spec(
                  (*engine_.callable({CallableKind::kFunction, "f", ""}))->definition.view())
                  ->reserved_concurrency,
              7);
    EXPECT_EQ(get("/f").body.find("Concurrency")->int_or("ReservedConcurrentExecutions", 0), 7);
    EXPECT_EQ(send("PUT", "/2017-10-31/functions/g/concurrency",
                   R"({"ReservedConcurrentExecutions":994})")
                  .error(),
              "InvalidParameterValueException");
    EXPECT_EQ(send("PUT", put, R"({"ReservedConcurrentExecutions":-1})").error(),
              "ValidationException");
    EXPECT_EQ(send("PUT", put, "{}").error(), "ValidationException");
    const Answered account = send("GET", "/2016-08-19/account-settings/");
    EXPECT_EQ(account.body.find("AccountLimit")->int_or("UnreservedConcurrentExecutions", 0), 993);
    EXPECT_EQ(account.body.find("AccountUsage")->int_or("FunctionCount", 0), 2);
    EXPECT_EQ(send("DELETE", put).status, 204);
    EXPECT_EQ(send("GET", read).text, "{}");
}

TEST_F(LambdaTest, Tags) {
    create("f");
    const std::string path = "/2017-03-31/tags/" + percent_encode(arn("f"));
    EXPECT_EQ(send("POST", path, R"({"Tags":{"a":"1","b":"2"}})").status, 204);
    EXPECT_EQ(send("DELETE", path + "?tagKeys=a&tagKeys=c").status, 204);
    EXPECT_EQ(send("GET", path).text, R"({"Tags":{"b":"2"}})");
    EXPECT_EQ(get("/f").body.find("Tags")->string_or("b", ""), "2");
}

TEST_F(LambdaTest, TagsSayWhereAFunctionRuns) {
    const auto spec = [&] {
        const auto callable = engine_.callable({CallableKind::kFunction, "f", ""});
        return *decode_function_spec((*callable)->definition.view());
    };
    json::Value placed = function("f");
    placed.set("Tags", json::Value::object({{"tandem:pool", "cpu"}, {"tandem:cpus", "4"}}));
    EXPECT_EQ(call("POST", "", placed).status, 201);
    EXPECT_EQ(spec().pool, "cpu");
    EXPECT_EQ(spec().cpus, 4);
    const std::string path = "/2017-03-31/tags/" + percent_encode(arn("f"));
    EXPECT_EQ(send("POST", path, R"({"Tags":{"tandem:gpus":"2"}})").status, 204);
    EXPECT_EQ(spec().gpus, 2);
    EXPECT_EQ(spec().pool, "cpu");
    for (const char* bad : {R"({"tandem:pool":"a b"})", R"({"tandem:pool":""})",
                            R"({"tandem:cpus":"0"})", R"({"tandem:gpus":"1.5"})"}) {
        const auto refused = send("POST", path, std::string("{\"Tags\":") + bad + "}");
        EXPECT_EQ(refused.error(), "InvalidParameterValueException") << bad;
    }
    EXPECT_EQ(send("DELETE", path + "?tagKeys=tandem:cpus").status, 204);
    EXPECT_EQ(spec().cpus, 1);
    EXPECT_EQ(send("POST", path, R"({"Tags":{"tandem:pool":"local"}})").status, 204);
    EXPECT_EQ(spec().pool, "");
}

TEST_F(LambdaTest, RefusesWhatIsNoOperation) {
    EXPECT_EQ(send("GET", "/2015-03-31/nonsense").status, 404);
    EXPECT_EQ(send("PATCH", "/2015-03-31/functions/f").status, 404);
    EXPECT_EQ(send("GET", "/2015-03-31/event-source-mappings/").error(), "UnsupportedOperation");
    EXPECT_EQ(send("POST", "/2021-11-15/functions/f/response-streaming-invocations").error(),
              "UnsupportedOperation");
    EXPECT_TRUE(LambdaDoor::owns("/2015-03-31/functions"));
    for (const char* path : {"/", "/2015-03-31", "/2015-0331-/x", "/functions", "/healthz"})
        EXPECT_FALSE(LambdaDoor::owns(path)) << path;
    EXPECT_EQ(find_route("GET", "//").kind, RouteKind::kUnknown);
    EXPECT_EQ(find_route("GET", "/2015-03-31/functions//configuration").kind, RouteKind::kUnknown);
}

}  // namespace
}  // namespace tandem::lambda
