#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>

#include "cli/commands.h"

namespace tandem::cli {

namespace {

struct DeployOptions {
    std::string file;
    std::string name;
    std::string role = "arn:aws:iam::123456789012:role/tandem";
};

Result<json::Value> deploy(Client& client, const DeployOptions& options) {
    std::ifstream in(options.file, std::ios::binary);
    if (!in) return fail(ErrorCode::kIo, "cannot read " + options.file);
    const std::string definition((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::string name = options.name;
    if (name.empty()) {  // digits.asl.json is deployed as "digits"
        name = std::filesystem::path(options.file).filename().string();
        name = name.substr(0, name.find('.'));
    }
    auto existing = resolve_workflow(client, name);
    if (existing) {
        auto updated = client.states("UpdateStateMachine", json::Value::object({{"stateMachineArn", *existing}, {"definition", definition}}));
        if (!updated) return updated;
        updated->set("stateMachineArn", *existing);
        updated->set("created", false);
        return updated;
    }
    if (existing.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(existing.error());
    auto created = client.states("CreateStateMachine", json::Value::object({{"name", name}, {"definition", definition}, {"roleArn", options.role}}));
    if (created) created->set("created", true);
    return created;
}

int run_deploy(const Context& context, const DeployOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto reply = deploy(*client, options);
    if (!reply) return report(context.out, reply.error());
    if (context.out.as_json) print_json(*reply);
    else print_line((reply->bool_or("created", false) ? "created " : "updated ") + std::string(reply->string_or("stateMachineArn", "")));
    return 0;
}

}  // namespace

void add_workflow(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* workflow = app.add_subcommand("workflow", "Deploy state machines");
    workflow->require_subcommand(1);
    CLI::App* command = workflow->add_subcommand("deploy", "Create or update a state machine from an ASL file");
    auto options = std::make_shared<DeployOptions>();
    command->add_option("FILE", options->file, "Amazon States Language definition (JSON)")->required();
    command->add_option("--name", options->name, "Name; default: the file's name up to the first dot");
    command->add_option("--role", options->role, "Role ARN kept with the state machine");
    command->callback([=, &run] { run = [=] { return run_deploy(*context, *options); }; });
}

}  // namespace tandem::cli
