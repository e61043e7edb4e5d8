#include <filesystem>

#include "cli/commands.h"

namespace tandem::cli {

namespace {

struct DeployOptions {
    std::string file;
    std::string name;
    std::string role;
    bool express = false;
};

Result<json::Value> update(Client& client, const std::string& arn, const std::string& definition,
                           const DeployOptions& options) {
    auto before =
        client.states("DescribeStateMachine", json::Value::object({{"stateMachineArn", arn}}));
    if (!before) return before;
    if (options.express && before->string_or("type", "") != "EXPRESS") {
        return fail(ErrorCode::kInvalidArgument,
                    "the workflow is there as a STANDARD one, and its type cannot be changed");
    }
    json::Value request =
        json::Value::object({{"stateMachineArn", arn}, {"definition", definition}});
    if (!options.role.empty()) request.set("roleArn", options.role);
    auto updated = client.states("UpdateStateMachine", request);
    if (!updated) return updated;
    const bool same = before->string_or("definition", "") == definition &&
                      (options.role.empty() || before->string_or("roleArn", "") == options.role);
    updated->set("stateMachineArn", arn);
    updated->set("created", false);
    updated->set("changed", !same);
    return updated;
}

Result<json::Value> deploy(Client& client, const std::string& definition,
                           const DeployOptions& options) {
    std::string name = options.name;
    if (name.empty()) {  // digits.asl.json is deployed as "digits"
        name = std::filesystem::path(options.file).filename().string();
        name = name.substr(0, name.find('.'));
    }
    auto existing = resolve_workflow(client, name);
    if (existing) return update(client, *existing, definition, options);
    if (existing.error().code != ErrorCode::kNotFound)
        return tl::unexpected<Error>(existing.error());
    auto created = client.states(
        "CreateStateMachine",
        json::Value::object(
            {{"name", name},
             {"definition", definition},
             {"type", options.express ? "EXPRESS" : "STANDARD"},
             {"roleArn", options.role.empty() ? std::string(kDefaultRole) : options.role}}));
    if (created) created->set("created", true).set("changed", true);
    return created;
}

int run_deploy(const Context& context, const DeployOptions& options) {
    auto definition = read_file(options.file);
    if (!definition) return report(context.out, definition.error());
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto reply = deploy(*client, *definition, options);
    if (!reply && reply.error().code != ErrorCode::kInvalidArgument)
        return report(context.out, reply.error());
    if (!reply) {
        return report(context.out,
                      {reply.error().code, options.file + ": " + reply.error().message});
    }
    if (context.out.as_json) {
        print_json(*reply);
        return kDone;
    }
    const char* what = reply->bool_or("created", false)  ? "created "
                       : reply->bool_or("changed", true) ? "updated "
                                                         : "unchanged ";
    print_line(what + std::string(reply->string_or("stateMachineArn", "")));
    return kDone;
}

}  // namespace

void add_workflow(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command workflow = app.command("workflow", "Deploy workflows (state machines)");
    workflow.needs_command();
    Command command = workflow.command("deploy", "Create or update a workflow from a file");
    auto options = std::make_shared<DeployOptions>();
    command.option("FILE", options->file, "Definition in the Amazon States Language (JSON)")
        .required();
    command.option("--name", options->name, "Default: the file's name up to the first dot");
    command.option("--role", options->role, "Role ARN to keep with it");
    command.flag("--express", options->express,
                 "Create it as an Express workflow: at most five minutes, no record");
    command.footer("Running executions go on with the definition that they began with.");
    command.chosen([=, &run] { run = [=] { return run_deploy(*context, *options); }; });
}

}  // namespace tandem::cli
