// AWS's own runtime interface clients (Python, Node, Go), unmodified, as `provided` functions of
// the pool: the client is part of the package, and the package's bootstrap starts it.
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

namespace fs = std::filesystem;

class RuntimeClientsTest : public PoolFixture {
protected:
    /// A place named by the environment, or its usual one below the repository.
    static fs::path place(const char* variable, const char* usual) {
        if (const char* set = std::getenv(variable)) return set;
        return fs::path(std::getenv("TANDEM_SOURCE_DIR")) / usual;
    }

    /// All files of `from` under `to`, but for names in `without`.
    static void add_tree(std::vector<ZipBuilderEntry>& entries, const fs::path& from,
                         const std::string& to, const std::vector<std::string>& without = {}) {
        for (auto at = fs::recursive_directory_iterator(from);
             at != fs::recursive_directory_iterator(); ++at) {
            const std::string name = at->path().filename().string();
            if (std::find(without.begin(), without.end(), name) != without.end()) {
                at.disable_recursion_pending();
                continue;
            }
            if (!at->is_regular_file()) continue;
            const bool executable =
                (at->status().permissions() & fs::perms::owner_exec) != fs::perms::none;
            entries.push_back({.name = to + "/" + fs::relative(at->path(), from).string(),
                               .content = read_file(at->path()),
                               .mode = executable ? 0100755u : 0100644u});
        }
    }

    /// What every client must get right; `function` answers {"n": n + 1, ...}, fails at "fail" and
    /// returns a string of n characters at "big".
    void expect_works(const std::shared_ptr<const Callable>& function, const char* error_type) {
        for (int n = 0; n < 5; n++) {
            const TaskResult result =
                call(function, R"({"verb":"add","n":)" + std::to_string(n) + "}");
            ASSERT_EQ(result.outcome, TaskOutcome::kSucceeded)
                << result.payload.view() << result.log_tail;
            EXPECT_EQ(document(result).int_or("n", -1), n + 1);
            EXPECT_EQ(document(result).string_or("id", ""), result.request_id);
            EXPECT_EQ(document(result).string_or("arn", ""),
                      "arn:aws:lambda:us-east-1:123456789012:function:client");
            EXPECT_TRUE(document(result).bool_or("deadline", false));
        }
        const TaskResult failed = call(function, R"({"verb":"fail"})");
        EXPECT_EQ(failed.outcome, TaskOutcome::kFailed);
        EXPECT_EQ(document(failed).string_or("errorMessage", ""), "as asked");
        EXPECT_EQ(document(failed).string_or("errorType", ""), error_type);
        const TaskResult megabyte = call(function, R"({"verb":"big","n":1000000})");
        EXPECT_EQ(megabyte.payload.size(), 1'000'002u);
        const TaskResult too_big = call(function, R"({"verb":"big","n":7000000})");
        EXPECT_EQ(document(too_big).string_or("errorType", ""), "Function.ResponseSizeTooLarge");
        EXPECT_EQ(document(call(function, R"({"verb":"add","n":1})")).int_or("n", -1), 2);
    }

    FunctionSpec client_spec(const char* handler) {
        FunctionSpec client = spec("client", "provided.al2023");
        client.handler = handler;
        client.memory_mb = 512;
        return client;
    }
};

TEST_F(RuntimeClientsTest, PythonClientOfPyPI) {
    fs::path packages;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(place("TANDEM_VENV", ".venv") / "lib", error))
        packages = entry.path() / "site-packages";
    if (!fs::exists(packages / "awslambdaric"))
        GTEST_SKIP() << "awslambdaric is not installed: ./dev setup";
    // The client has compiled parts for one version of Python.
    const std::string python = "/usr/bin/" + packages.parent_path().filename().string();
    if (!fs::exists(python))
        GTEST_SKIP() << "the virtual environment's Python is not the system's " << python;
    std::vector<ZipBuilderEntry> entries = {
        {.name = "bootstrap",
         .content = "#!/bin/sh\nexec " + python + " -m awslambdaric \"$_HANDLER\"\n",
         .mode = 0100755},
        {.name = "index.py", .content = R"(
def handler(event, context):
    if event["verb"] == "fail":
        raise ValueError("as asked")
    if event["verb"] == "big":
        return "x" * event["n"]
    return {"n": event["n"] + 1, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "deadline": context.get_remaining_time_in_millis() > 0}
)"}};
    for (const auto& entry : fs::directory_iterator(packages)) {
        const std::string name = entry.path().filename().string();
        if (name == "awslambdaric" || name == "simplejson")
            add_tree(entries, entry.path(), name, {"__pycache__", "tests"});
        if (name.starts_with("runtime_client.") || name == "snapshot_restore_py.py")
            entries.push_back({.name = name, .content = read_file(entry.path())});
    }
    start_pool();
    expect_works(publish(client_spec("index.handler"), build_zip(entries)), "ValueError");
}

TEST_F(RuntimeClientsTest, NodeClientOfNpm) {
    const fs::path client =
        place("TANDEM_NODE_CLIENTS", "build/clients/node") / "node_modules/aws-lambda-ric";
    if (!fs::exists(client / "dist/rapid-client.node"))
        GTEST_SKIP() << "aws-lambda-ric is not installed: ./dev setup all";
    std::vector<ZipBuilderEntry> entries = {
        {.name = "bootstrap",
         .content = "#!/bin/sh\nexec /usr/bin/env node node_modules/aws-lambda-ric/bin/index.mjs "
                    "\"$_HANDLER\"\n",
         .mode = 0100755},
        {.name = "index.js", .content = R"(
exports.handler = async (event, context) => {
  if (event.verb === 'fail') throw new RangeError('as asked');
  if (event.verb === 'big') return 'x'.repeat(event.n);
  return { n: event.n + 1, id: context.awsRequestId, arn: context.invokedFunctionArn, deadline: context.getRemainingTimeInMillis() > 0 };
};
)"}};
    add_tree(entries, client, "node_modules/aws-lambda-ric", {"deps", "src", "scripts", "build"});
    start_pool();
    expect_works(publish(client_spec("index.handler"), build_zip(entries)), "RangeError");
}

TEST_F(RuntimeClientsTest, GoClient) {
    const fs::path binary = place("TANDEM_GO_CLIENT", "build/clients/go/bootstrap");
    if (!fs::exists(binary)) GTEST_SKIP() << "the Go function is not built: ./dev setup all";
    start_pool();
    expect_works(
        publish(client_spec("bootstrap"),
                build_zip({{.name = "bootstrap", .content = read_file(binary), .mode = 0100755}})),
        "errorString");
}

}  // namespace
}  // namespace tandem::pool
