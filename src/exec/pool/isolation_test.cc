// What a function may not see or do: docs/isolation.md is the promise, this is the check. The plain
// tests skip what needs a user of its own when they do not run as root.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "exec/pool/pool_fixture.h"
#include "exec/pool/sandbox.h"

namespace tandem::pool {
namespace {

/// Runs the statements of the event; answers the value of `r`, or the error's class name.
constexpr char kRunner[] = R"(
import os, signal, socket, subprocess, sys, time
def handler(event, context):
    scope = {"os": os, "signal": signal, "socket": socket, "subprocess": subprocess, "sys": sys, "time": time, "r": None}
    try:
        exec(event, scope)
    except OSError as error:
        return "OSError"
    return scope["r"]
)";

class IsolationTest : public PoolFixture, public testing::WithParamInterface<bool> {
protected:
    void SetUp() override {
        PoolFixture::SetUp();
        options_.isolate = GetParam();
        start_pool();
        function_ = python(kRunner);
    }
    /// The function's answer as JSON text.
    std::string ask(const std::string& statements) {
        return call(function_, json::print(json::Value(statements))).payload.str();
    }

    /// Namespaces asked for and possible.
    bool has_namespaces() const {
        const auto sandbox = Sandbox::open({.work_directory = root_ / "probe",
                                            .workers_directory = options_.workers_directory,
                                            .isolate = GetParam(),
                                            .user = {}});
        return sandbox && (sandbox->isolation() == Isolation::kRootNamespaces ||
                           sandbox->isolation() == Isolation::kUserNamespace);
    }
    bool is_kept_apart() const { return ::geteuid() == 0 || has_namespaces(); }

    std::shared_ptr<const Callable> function_;
};
INSTANTIATE_TEST_SUITE_P(, IsolationTest, testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Isolated" : "Plain"; });

TEST_P(IsolationTest, IsNotTheServersUser) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "the server is not root: there is no other user to become";
    EXPECT_EQ(ask("r = os.getuid() != 0 and os.geteuid() != 0 and os.getgid() != 0 and 0 not in "
                  "os.getgroups()"),
              "true");
    // Nor can it come back.
    EXPECT_EQ(ask("os.setuid(0)"), "\"OSError\"");
    EXPECT_EQ(ask("r = [l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', "
                  "'CapPrm', 'NoNewPrivs'))]"),
              R"(["0000000000000000", "0000000000000000", "1"])");
}

TEST_P(IsolationTest, CannotReadTheDataDirectory) {
    if (!is_kept_apart()) GTEST_SKIP() << "neither root nor namespaces";
    std::ofstream(root_ / "data/credentials") << "secret";
    ::chmod((root_ / "data/credentials").c_str(), 0600);
    EXPECT_EQ(ask("r = open('" + (root_ / "data/credentials").string() + "').read()"),
              "\"OSError\"");
    EXPECT_EQ(ask("r = os.listdir('" + (root_ / "data").string() + "')"), "\"OSError\"");
    EXPECT_EQ(ask("r = open('/etc/shadow').read()"), "\"OSError\"");
}

TEST_P(IsolationTest, CannotReachAnotherFunction) {
    if (!is_kept_apart()) GTEST_SKIP() << "neither root nor namespaces";
    FunctionSpec victim_spec = spec("victim", "python3.12");
    victim_spec.environment["PASSWORD"] = "hunter2";
    const auto victim = python(
        "import os, tempfile\ndef handler(e, c):\n    open(tempfile.gettempdir() + '/mine', "
        "'w').write('x')\n"
        "    return [os.getpid(), os.getcwd(), tempfile.gettempdir()]\n",
        victim_spec);
    const json::Value place = document(call(victim, "{}"));
    const std::string tmp = place.as_array()[2].as_string();
    EXPECT_EQ(ask("r = sorted(os.listdir('" + tmp + "'))") != R"(["mine"])", true);
    EXPECT_EQ(ask("r = [p for p in os.listdir('/proc') if p.isdigit() and p != str(os.getpid()) "
                  "and os.access('/proc/' + p + '/environ', os.R_OK)\n"
                  "     and b'hunter2' in open('/proc/' + p + '/environ', 'rb').read()]"),
              "[]");
    const std::string pid = std::to_string(place.as_array()[0].as_int());
    if (!has_namespaces()) {
        EXPECT_EQ(ask("os.kill(" + pid + ", 9)"), "\"OSError\"");
        EXPECT_EQ(
            ask("r = os.listdir('" +
                std::filesystem::path(place.as_array()[1].as_string()).parent_path().string() +
                "')"),
            "\"OSError\"");
    } else {
        EXPECT_EQ(
            ask("r = [os.getpid() < 20, len([p for p in os.listdir('/proc') if p.isdigit()]) < 6]"),
            "[true, true]");
    }
    EXPECT_EQ(call(victim, "{}").outcome, TaskOutcome::kSucceeded);
}

TEST_P(IsolationTest, CannotTakeAnotherFunctionsEvents) {
    if (::geteuid() != 0) GTEST_SKIP() << "the server is not root: all functions have its user";
    FunctionSpec victim_spec = spec("victim", "python3.12");
    const auto victim =
        python("import os\ndef handler(e, c):\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n",
               victim_spec);
    const std::string endpoint = document(call(victim, "{}")).as_string();
    const std::string answer =
        ask("import http.client\nc = http.client.HTTPConnection('" + endpoint +
            "', timeout=5)\n"
            "c.request('GET', '/2018-06-01/runtime/invocation/next')\nr = c.getresponse().status");
    EXPECT_EQ(answer, "404");
    EXPECT_EQ(document(call(victim, "{}")).as_string(), endpoint);
}

TEST_P(IsolationTest, InheritsNoDescriptors) {
    const int leak =
        ::open("/dev/null", O_RDONLY);  // as a careless library would: without O_CLOEXEC
    EXPECT_EQ(ask("r = sorted({os.readlink('/proc/self/fd/' + f).split(':')[0] for f in "
                  "os.listdir('/proc/self/fd') "
                  "if os.path.exists('/proc/self/fd/' + f)} - {'/proc/%d/fd' % os.getpid()})"),
              R"(["/dev/null", "/memfd", "pipe", "socket"])");
    EXPECT_EQ(ask("r = len(os.listdir('/proc/self/fd'))"),
              "7");  // 0, 1, 2, the three of its channel and the listing itself
    ::close(leak);
}

TEST_P(IsolationTest, CannotChangeItsPackageButHasATmp) {
    EXPECT_EQ(ask("open(os.environ['LAMBDA_TASK_ROOT'] + '/index.py', 'a').write('x')"),
              ::geteuid() == 0 || has_namespaces() ? "\"OSError\"" : "null");
    EXPECT_EQ(ask("import tempfile\nopen(tempfile.gettempdir() + '/t', 'w').write('kept')"),
              "null");
    EXPECT_EQ(ask("import tempfile\nr = open(tempfile.gettempdir() + '/t').read()"), "\"kept\"");
    if (has_namespaces()) {
        EXPECT_EQ(ask("open('/var/task/new', 'w')"), "\"OSError\"");
        EXPECT_EQ(ask("open('/new', 'w')"), "\"OSError\"");
        // The size of /tmp is the function's EphemeralStorage.
        EXPECT_EQ(ask("v = os.statvfs('/tmp')\nr = v.f_blocks * v.f_frsize >> 20"), "512");
    }
}

/// Processes that have `mark` in their environment.
int processes_with(const std::string& mark) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc"))
        count += read_file(entry.path() / "environ").find(mark) != std::string::npos;
    return count;
}

/// The server of the next test: a process of its own, because it is killed.
TEST_P(IsolationTest, DISABLED_ServerToBeKilled) {
    const char* mark = std::getenv("TANDEM_TEST_MARK");
    ASSERT_NE(mark, nullptr);
    FunctionSpec sleeper = spec("sleeper", "provided");
    sleeper.timeout_s = 600;
    sleeper.environment["MARK"] = mark;
    call(native(sleeper), "\"sleep:600000\"");
}

TEST_P(IsolationTest, WorkersDieWithAKilledServer) {
    const std::string mark = "mark-" + random_uuid();
    const Fd silent(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    SpawnRequest request;
    request.arguments = {std::filesystem::read_symlink("/proc/self/exe").string(),
                         "--gtest_also_run_disabled_tests",
                         std::string("--gtest_filter=*DISABLED_ServerToBeKilled/") +
                             (GetParam() ? "Isolated" : "Plain")};
    request.environment = {"TANDEM_TEST_MARK=" + mark,
                           "TANDEM_SOURCE_DIR=" + std::string(std::getenv("TANDEM_SOURCE_DIR")),
                           "TMPDIR=" + root_.string()};
    request.output_fd = silent.get();
    const auto server = spawn(request);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    EXPECT_TRUE(eventually([&] { return processes_with(mark) >= 2; }));
    ::kill(server->pid, SIGKILL);
    EXPECT_TRUE(eventually([&] { return reap(server->pidfd.get()).has_value(); }));
    EXPECT_TRUE(eventually([&] { return processes_with(mark) == 0; }));
}

TEST_P(IsolationTest, ChildrenDieWithTheProcess) {
    ask("subprocess.Popen(['/bin/sleep', '1234567'])");
    const auto sleepers = [] {
        int count = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string cmdline = read_file(entry.path() / "cmdline");
            count += cmdline.find("1234567") != std::string::npos &&
                     cmdline.find("sleep") != std::string::npos;
        }
        return count;
    };
    EXPECT_TRUE(eventually([&] { return sleepers() == 1; }));
    // A session of its own does not help it.
    ask("subprocess.Popen(['/bin/sleep', '1234567'], start_new_session=True)");
    EXPECT_TRUE(eventually([&] { return sleepers() == 2; }));
    pool_->retire("py");
    EXPECT_TRUE(eventually([&] { return sleepers() == 0; }));
}

}  // namespace
}  // namespace tandem::pool
