// `tandem function deploy`.
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/function_defaults.h"
#include "cli/package_directory.h"

namespace tandem::cli {

namespace {

namespace fs = std::filesystem;

constexpr auto kActivePoll = std::chrono::milliseconds(50);
constexpr auto kActiveWithin = std::chrono::seconds(60);

struct DeployOptions {
    std::string directory;
    std::string name;
    std::string runtime;
    std::string handler;
    std::string role;
    std::string description;
    int timeout_s = 0;
    int memory_mb = 0;
    std::vector<std::string> environment;
    std::string pool;  // "local": this machine
    int cpus = 0;
    int gpus = -1;
};

Result<json::Value> variables_of(const std::vector<std::string>& pairs) {
    json::Value variables = json::Value::object();
    for (const std::string& pair : pairs) {
        const size_t equals = pair.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(ErrorCode::kInvalidArgument, "--env wants NAME=VALUE, not " + pair);
        variables.set(pair.substr(0, equals), pair.substr(equals + 1));
    }
    return json::Value::object({{"Variables", variables}});
}

/// What the user said: function.json in the directory, and options, which win over it.
Result<json::Value> said(const DeployOptions& options, const fs::path& directory) {
    json::Value config = json::Value::object();
    std::error_code ec;
    if (const fs::path file = directory / "function.json"; fs::exists(file, ec)) {
        auto text = read_file(file.string());
        if (!text) return tl::unexpected<Error>(text.error());
        auto parsed = json::parse(*text);
        if (!parsed)
            return fail(ErrorCode::kInvalidArgument, file.string() + ": " + parsed.error().message);
        if (!parsed->is_object())
            return fail(ErrorCode::kInvalidArgument, file.string() + " is not a JSON object");
        config = *parsed;
    }
    const auto set = [&config](std::string_view member, const std::string& value) {
        if (!value.empty()) config.set(member, value);
    };
    set("FunctionName", options.name);
    set("Runtime", options.runtime);
    set("Handler", options.handler);
    set("Role", options.role);
    set("Description", options.description);
    if (options.timeout_s > 0) config.set("Timeout", options.timeout_s);
    if (options.memory_mb > 0) config.set("MemorySize", options.memory_mb);
    if (!options.environment.empty()) {
        auto environment = variables_of(options.environment);
        if (!environment) return environment;
        config.set("Environment", *environment);
    }
    if (config.find("FunctionName") == nullptr)
        config.set("FunctionName", directory.filename().string());
    return config;
}

Result<void> check_name(const json::Value& config, const DeployOptions& options) {
    const std::string name(config.string_or("FunctionName", ""));
    const auto fits = [](unsigned char c) {
        return (c < 0x80 && std::isalnum(c)) || c == '-' || c == '_';
    };
    if (!options.name.empty() || name.starts_with("arn:") ||
        (!name.empty() && std::all_of(name.begin(), name.end(), fits)))
        return {};
    return fail(
        ErrorCode::kInvalidArgument,
        "'" + name +
            "' cannot be a function's name (letters, digits, - and _); give it one with --name");
}

/// Fills in what create wants and update leaves as it is.
Result<json::Value> complete(json::Value config, const fs::path& directory,
                             const json::Value* existing) {
    const std::string runtime(config.string_or("Runtime", ""));
    const std::string handler(config.string_or("Handler", ""));
    const std::string old_handler(existing != nullptr ? existing->string_or("Handler", "") : "");
    const std::string old_runtime(existing != nullptr ? existing->string_or("Runtime", "") : "");
    // A function keeps the runtime and handler it was once given, if they still fit what is there.
    auto entry = existing == nullptr
                     ? find_entry(directory, runtime, handler)
                     : find_entry(directory, runtime.empty() ? old_runtime : runtime,
                                  handler.empty() ? old_handler : handler);
    if (!entry && existing != nullptr) entry = find_entry(directory, runtime, handler);
    if (!entry) return tl::unexpected<Error>(entry.error());
    config.set("Runtime", entry->runtime).set("Handler", entry->handler);
    if (existing == nullptr && config.find("Role") == nullptr) config.set("Role", kDefaultRole);
    return config;
}

Result<json::Value> get_configuration(Client& client, const std::string& path) {
    auto reply = client.lambda("GET", path + "/configuration", "");
    if (!reply) return tl::unexpected<Error>(reply.error());
    return json::parse(reply->body.view());
}

Result<json::Value> wait_active(Client& client, const std::string& path) {
    const auto deadline = std::chrono::steady_clock::now() + kActiveWithin;
    while (true) {
        auto config = get_configuration(client, path);
        if (!config) return config;
        const std::string_view state = config->string_or("State", "Active");
        const std::string_view update = config->string_or("LastUpdateStatus", "Successful");
        if (state == "Failed" || update == "Failed") {
            return fail(ErrorCode::kConflict,
                        "the function failed to deploy: " +
                            std::string(config->string_or("StateReason", "")));
        }
        if (state != "Pending" && update != "InProgress") return config;
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::kTimeout, "the function is still " + std::string(state));
        std::this_thread::sleep_for(kActivePoll);
    }
}

Result<void> put(Client& client, std::string_view method, const std::string& target,
                 const json::Value& body) {
    auto reply = client.lambda(method, target, json::print(body));
    if (!reply) return tl::unexpected<Error>(reply.error());
    return {};
}

/// What the options say of where it runs, as tags.
json::Value placement_tags(const DeployOptions& options) {
    json::Value tags = json::Value::object();
    if (!options.pool.empty()) tags.set("tandem:pool", options.pool);
    if (options.cpus > 0) tags.set("tandem:cpus", std::to_string(options.cpus));
    if (options.gpus >= 0) tags.set("tandem:gpus", std::to_string(options.gpus));
    return tags;
}

/// True when a tag was changed.
Result<bool> update_tags(Client& client, const json::Value& tags, const std::string& arn) {
    if (tags.as_object().empty()) return false;
    const std::string target = "/2017-03-31/tags/" + percent_encode(arn);
    auto reply = client.lambda("GET", target, "");
    if (!reply) return tl::unexpected<Error>(reply.error());
    const auto have = json::parse(reply->body.view());
    const json::Value* old = have ? have->find("Tags") : nullptr;
    bool same = true;
    for (const auto& [name, value] : tags.as_object()) {
        const json::Value* before = old != nullptr ? old->find(name) : nullptr;
        same &= before != nullptr && *before == value;
    }
    if (same) return false;
    if (auto ok = put(client, "POST", target, json::Value::object({{"Tags", tags}})); !ok)
        return tl::unexpected<Error>(ok.error());
    return true;
}

Result<json::Value> create(Client& client, json::Value config, const std::string& path,
                           const std::string& zip) {
    config.set("Code", json::Value::object({{"ZipFile", base64_encode(zip)}}));
    if (auto ok = put(client, "POST", "/2015-03-31/functions", config); !ok)
        return tl::unexpected<Error>(ok.error());
    auto active = wait_active(client, path);
    if (active) active->set("created", true).set("changed", true);
    return active;
}

/// Sends only what differs: a function that stays the same keeps its warm processes.
Result<json::Value> update(Client& client, const json::Value& config, const json::Value& existing,
                           const std::string& path, const std::string& zip) {
    const bool new_code = existing.string_or("CodeSha256", "") != base64_encode(sha256(zip));
    if (new_code) {
        const auto code = json::Value::object({{"ZipFile", base64_encode(zip)}});
        if (auto ok = put(client, "PUT", path + "/code", code); !ok)
            return tl::unexpected<Error>(ok.error());
        if (auto active = wait_active(client, path); !active) return active;
    }
    json::Value changes = json::Value::object();
    for (const auto& [member, value] : config.as_object()) {
        const json::Value* old = existing.find(member);
        if (member != "FunctionName" && (old == nullptr || *old != value))
            changes.set(member, value);
    }
    const bool new_settings = !changes.as_object().empty();
    if (new_settings) {
        if (auto ok = put(client, "PUT", path + "/configuration", changes); !ok)
            return tl::unexpected<Error>(ok.error());
    }
    auto active = wait_active(client, path);
    if (active) active->set("created", false).set("changed", new_code || new_settings);
    return active;
}

Result<json::Value> deploy(Client& client, const DeployOptions& options) {
    std::error_code ec;
    fs::path directory = fs::absolute(options.directory, ec).lexically_normal();
    if (!directory.has_filename()) directory = directory.parent_path();  // "dir/"
    if (!fs::is_directory(directory, ec))
        return fail(ErrorCode::kNotFound, options.directory + " is not a directory");
    auto config = said(options, directory);
    if (!config) return config;
    if (auto ok = check_name(*config, options); !ok) return tl::unexpected<Error>(ok.error());
    const std::string path =
        "/2015-03-31/functions/" + percent_encode(config->string_or("FunctionName", ""));
    auto existing = get_configuration(client, path);
    if (!existing && existing.error().code != ErrorCode::kNotFound) return existing;
    config = complete(std::move(*config), directory, existing ? &*existing : nullptr);
    if (!config) return config;
    auto zip = package_directory(directory);
    if (!zip) return tl::unexpected<Error>(zip.error());
    json::Value tags = placement_tags(options);
    if (!existing) {
        json::Value all = json::Value::object();
        if (const json::Value* given = config->find("Tags"); given && given->is_object())
            all = *given;
        for (const auto& [name, value] : tags.as_object()) all.set(name, value);
        if (!all.as_object().empty()) config->set("Tags", std::move(all));
        return create(client, *config, path, *zip);
    }
    if (const json::Value* given = config->find("Tags"); given && given->is_object()) {
        for (const auto& [name, value] : given->as_object()) {
            if (tags.find(name) == nullptr) tags.set(name, value);
        }
        config->mutable_object().erase("Tags");
    }
    auto updated = update(client, *config, *existing, path, *zip);
    if (!updated) return updated;
    auto tagged = update_tags(client, tags, std::string(existing->string_or("FunctionArn", "")));
    if (!tagged) return tl::unexpected<Error>(tagged.error());
    if (*tagged) updated->set("changed", true);
    return updated;
}

int run_deploy(const Context& context, const DeployOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto config = deploy(*client, options);
    if (!config) return report(context.out, config.error());
    if (context.out.as_json) {
        print_json(*config);
        return kDone;
    }
    const char* what = config->bool_or("created", false)  ? "created "
                       : config->bool_or("changed", true) ? "updated "
                                                          : "unchanged ";
    print_line(what + std::string(config->string_or("FunctionArn", "")) + " (" +
               std::string(config->string_or("Runtime", "")) + ", " +
               std::string(config->string_or("Handler", "")) + ", " +
               counted(config->int_or("CodeSize", 0), "byte") + ")");
    return kDone;
}

}  // namespace

void add_deploy_function(Command function, std::shared_ptr<Context> context,
                         std::function<int()>& run) {
    Command command = function.command("deploy", "Create or update a function from a directory");
    auto options = std::make_shared<DeployOptions>();
    command.option("DIR", options->directory, "The package").required();
    command.option("--name", options->name, "Default: the directory's name");
    command.option("--runtime", options->runtime,
                   "python3.N, nodejsN.x or provided.al2023 (default: by the files)");
    command.option("--handler", options->handler, "FILE.FUNCTION (default: by the files)");
    command.option("--timeout", options->timeout_s, "Seconds, 1 to 900 (default: 3)")
        .type_name("N")
        .between(1, 900);
    command.option("--memory", options->memory_mb, "MiB, 128 to 10240 (default: 128)")
        .type_name("N")
        .between(128, 10240);
    command
        .option("--env", options->environment,
                "NAME=VALUE, may be repeated; replaces all variables")
        .type_name("PAIR")
        .takes_one();
    command.option("--pool", options->pool,
                   "Agents that run it (default: this server; local goes back to it)");
    command.option("--cpus", options->cpus, "That a call takes of an agent's slots (default: 1)")
        .type_name("N")
        .between(1, 1024);
    command.option("--gpus", options->gpus, "That a process has for itself (default: 0)")
        .type_name("N")
        .between(0, 64);
    command.option("--role", options->role, "Role ARN to keep with it");
    command.option("--description", options->description, "Text to keep with it");
    command.footer(
        "Files: lambda_function.py (lambda_handler), index.js or index.mjs (handler), or an "
        "executable\n"
        "named bootstrap; other names with --handler. A file function.json in DIR may set any "
        "member of\n"
        "CreateFunction; options win over it. Of a function that exists, what is not given stays.");
    command.chosen([=, &run] { run = [=] { return run_deploy(*context, *options); }; });
}

}  // namespace tandem::cli
