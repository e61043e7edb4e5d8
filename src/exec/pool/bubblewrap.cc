#include "exec/pool/bubblewrap.h"

#include <filesystem>

#include "exec/pool/runtime.h"

namespace tandem::pool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStartScript = "/run/tandem-start";

class Options {
public:
    void add(std::initializer_list<std::string_view> words) {
        for (const std::string_view word : words) {
            text_ += word;
            text_ += '\0';
        }
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string quote(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += "'\\''";
        else out += c;
    }
    return out + "'";
}

/// The function's environment is set only here, after the user has changed: a variable such as
/// LD_PRELOAD must not reach a program that still runs as root.
std::string start_script(const BubblewrapPlan& plan) {
    std::string script;
    for (const auto& [name, value] : plan.environment)
        script += "export " + name + "=" + quote(value) + "\n";
    script += "unset PWD OLDPWD\nexec";
    for (const std::string& word : plan.command) script += " " + quote(word);
    return script + "\n";
}

void add_system(Options& options) {
    // Parents that bubblewrap makes by itself are for their owner only.
    for (const char* path : {"/etc", "/etc/ssl", "/var", "/run"})
        options.add({"--perms", "0755", "--dir", path});
    options.add({"--ro-bind", "/usr", "/usr"});
    for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64"}) {
        std::error_code error;
        if (fs::is_symlink(path, error))
            options.add({"--symlink", fs::read_symlink(path, error).string(), path});
        else if (fs::exists(path, error)) options.add({"--ro-bind", path, path});
    }
    // Of /etc only what name resolution, TLS and the dynamic linker read.
    for (const char* path :
         {"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
          "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates.conf", "/etc/hosts",
          "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/localtime", "/etc/mime.types"}) {
        options.add({"--ro-bind-try", path, path});
    }
}

void add_interpreter(Options& options, const std::string& interpreter) {
    if (interpreter.empty() || interpreter.starts_with("/usr/")) return;
    const fs::path prefix = fs::path(interpreter).parent_path().parent_path();
    fs::path parent = "/";
    for (const fs::path& part : prefix.relative_path().parent_path()) {
        parent /= part;
        options.add({"--perms", "0755", "--dir", parent.string()});
    }
    options.add({"--ro-bind", prefix.string(), prefix.string()});
}

void add_namespaces(Options& options, const BubblewrapPlan& plan) {
    options.add({"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
                 "--die-with-parent"});
    if (plan.root_becomes) {
        // For setpriv alone, which gives them up.
        options.add({"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});
    } else {
        options.add({"--unshare-user", "--disable-userns", "--uid", "993", "--gid", "990"});
    }
}

}  // namespace

BubblewrapCommand bubblewrap_command(const BubblewrapPlan& plan) {
    const std::string uid = std::to_string(plan.root_becomes.value_or(993));
    const std::string gid = std::to_string(plan.root_becomes.value_or(990));
    Options options;
    add_namespaces(options, plan);
    add_system(options);
    add_interpreter(options, plan.interpreter);
    options.add({"--dev", "/dev", "--perms", "1777", "--size", "67108864", "--tmpfs", "/dev/shm"});
    for (const std::string& device : plan.devices) options.add({"--dev-bind-try", device, device});
    options.add({"--remount-ro", "/dev"});
    if (plan.with_proc) options.add({"--proc", "/proc"});
    options.add({"--perms", "1777", "--size",
                 std::to_string(int64_t(plan.ephemeral_storage_mb) << 20), "--tmpfs", "/tmp"});
    options.add({"--ro-bind", plan.package, kTaskRoot, "--ro-bind", plan.runtime, kRuntimeRoot});
    options.add({"--perms", "0444", "--ro-bind-data", "4", kStartScript, "--perms", "0444",
                 "--ro-bind-data", "5", "/etc/passwd"});
    options.add({"--perms", "0755", "--dir", "/opt", "--remount-ro", "/", "--chdir", kTaskRoot});

    BubblewrapCommand command;
    command.options = options.take();
    command.script = start_script(plan);
    command.passwd =
        "root:x:0:0:root:/:/bin/false\nsbx_user1051:x:" + uid + ":" + gid + "::/tmp:/bin/sh\n";
    command.arguments = {"/usr/bin/bwrap", "--args", "3", "--"};
    if (plan.root_becomes) {
        for (const std::string& word :
             {std::string("/usr/bin/setpriv"), "--reuid=" + uid, "--regid=" + gid,
              std::string("--clear-groups"), std::string("--inh-caps=-all"),
              std::string("--no-new-privs"), std::string("--")}) {
            command.arguments.push_back(word);
        }
    }
    command.arguments.push_back("/bin/sh");
    command.arguments.emplace_back(kStartScript);
    return command;
}

}  // namespace tandem::pool
