#include <CLI/CLI.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/package_directory.h"

namespace tandem::cli {

namespace {

constexpr auto kActivePoll = std::chrono::milliseconds(50);

struct DeployOptions {
    std::string directory;
    std::string name;
    std::string runtime;
    std::string handler;
    int timeout_s = 0;
    int memory_mb = 0;
    std::vector<std::string> environment;
};

/// Options given on the command line win over <directory>/function.json, which wins over the defaults.
Result<json::Value> configuration(const DeployOptions& options) {
    json::Value config = json::Value::object();
    const std::filesystem::path directory = std::filesystem::absolute(options.directory).lexically_normal();
    std::ifstream in(directory / "function.json", std::ios::binary);
    if (in) {
        auto parsed = json::parse(std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()));
        if (!parsed || !parsed->is_object()) return fail(ErrorCode::kInvalidArgument, "function.json is not a JSON object");
        config = *parsed;
    }
    const bool native = std::filesystem::exists(directory / "bootstrap");
    const bool node = std::filesystem::exists(directory / "index.js") || std::filesystem::exists(directory / "index.mjs");
    if (config.find("FunctionName") == nullptr) config.set("FunctionName", (directory.has_filename() ? directory.filename() : directory.parent_path().filename()).string());
    if (config.find("Runtime") == nullptr) config.set("Runtime", native ? "provided.al2023" : node ? "nodejs20.x" : "python3.11");
    if (config.find("Handler") == nullptr) config.set("Handler", native ? "bootstrap" : node ? "index.handler" : "lambda_function.lambda_handler");
    if (config.find("Role") == nullptr) config.set("Role", "arn:aws:iam::123456789012:role/tandem");
    if (!options.name.empty()) config.set("FunctionName", options.name);
    if (!options.runtime.empty()) config.set("Runtime", options.runtime);
    if (!options.handler.empty()) config.set("Handler", options.handler);
    if (options.timeout_s > 0) config.set("Timeout", options.timeout_s);
    if (options.memory_mb > 0) config.set("MemorySize", options.memory_mb);
    json::Value variables = json::Value::object();
    for (const std::string& pair : options.environment) {
        const size_t equals = pair.find('=');
        if (equals == std::string::npos) return fail(ErrorCode::kInvalidArgument, "--env wants NAME=VALUE, not " + pair);
        variables.set(pair.substr(0, equals), pair.substr(equals + 1));
    }
    if (!options.environment.empty()) config.set("Environment", json::Value::object({{"Variables", variables}}));
    return config;
}

Result<json::Value> wait_active(Client& client, const std::string& path) {
    while (true) {
        auto reply = client.lambda("GET", path + "/configuration", "");
        if (!reply) return tl::unexpected<Error>(reply.error());
        auto config = json::parse(reply->body.view());
        if (!config) return config;
        const std::string_view state = config->string_or("State", "Active");
        const std::string_view update = config->string_or("LastUpdateStatus", "Successful");
        if (state == "Failed" || update == "Failed") return fail(ErrorCode::kConflict, "the function failed to deploy: " + std::string(config->string_or("StateReason", "")));
        if (state != "Pending" && update != "InProgress") return config;
        std::this_thread::sleep_for(kActivePoll);
    }
}

Result<json::Value> deploy(Client& client, const DeployOptions& options) {
    auto config = configuration(options);
    if (!config) return config;
    auto zip = package_directory(options.directory);
    if (!zip) return tl::unexpected<Error>(zip.error());
    const std::string name(config->string_or("FunctionName", ""));
    const std::string path = "/2015-03-31/functions/" + percent_encode(name);
    const std::string code = base64_encode(*zip);
    if (auto existing = client.lambda("GET", path + "/configuration", ""); existing) {
        if (auto r = client.lambda("PUT", path + "/code", json::print(json::Value::object({{"ZipFile", code}}))); !r) return tl::unexpected<Error>(r.error());
        if (auto active = wait_active(client, path); !active) return active;
        json::Value changes = *config;
        changes.mutable_object().erase("FunctionName");
        if (auto r = client.lambda("PUT", path + "/configuration", json::print(changes)); !r) return tl::unexpected<Error>(r.error());
    } else if (existing.error().code == ErrorCode::kNotFound) {
        json::Value create = *config;
        create.set("Code", json::Value::object({{"ZipFile", code}}));
        if (auto r = client.lambda("POST", "/2015-03-31/functions", json::print(create)); !r) return tl::unexpected<Error>(r.error());
    } else {
        return tl::unexpected<Error>(existing.error());
    }
    return wait_active(client, path);
}

int run_deploy(const Context& context, const DeployOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto config = deploy(*client, options);
    if (!config) return report(context.out, config.error());
    if (context.out.as_json) print_json(*config);
    else print_line("deployed " + std::string(config->string_or("FunctionArn", "")) + " (" + std::string(config->string_or("Runtime", "")) + ", " + std::to_string(config->int_or("CodeSize", 0)) + " bytes)");
    return 0;
}

int run_invoke(const Context& context, const std::string& name, const std::string& payload) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto reply = client->lambda("POST", "/2015-03-31/functions/" + percent_encode(name) + "/invocations", payload);
    if (!reply) return report(context.out, reply.error());
    print_line(reply->body.view());
    return reply->headers.find("X-Amz-Function-Error") == nullptr ? 0 : 1;
}

}  // namespace

void add_function(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* function = app.add_subcommand("function", "Deploy and call functions");
    function->require_subcommand(1);
    CLI::App* command = function->add_subcommand("deploy", "Create or update a function from a directory");
    auto options = std::make_shared<DeployOptions>();
    command->add_option("DIR", options->directory, "The package; function.json in it may set any member of CreateFunction")->required()->check(CLI::ExistingDirectory);
    command->add_option("--name", options->name, "Default: the directory's name");
    command->add_option("--runtime", options->runtime, "Default: by what is in the directory");
    command->add_option("--handler", options->handler, "Default: lambda_function.lambda_handler, index.handler or bootstrap");
    command->add_option("--timeout", options->timeout_s, "Seconds")->check(CLI::Range(1, 900));
    command->add_option("--memory", options->memory_mb, "MiB")->check(CLI::Range(128, 10240));
    command->add_option("--env", options->environment, "NAME=VALUE; may be repeated");
    command->callback([=, &run] { run = [=] { return run_deploy(*context, *options); }; });
    CLI::App* invoke = function->add_subcommand("invoke", "Call a function and print its answer");
    auto name = std::make_shared<std::string>();
    auto payload = std::make_shared<std::string>("{}");
    invoke->add_option("FUNCTION", *name, "Name or ARN")->required();
    invoke->add_option("--payload,-p", *payload, "JSON text");
    invoke->callback([=, &run] { run = [=] { return run_invoke(*context, *name, *payload); }; });
}

}  // namespace tandem::cli
