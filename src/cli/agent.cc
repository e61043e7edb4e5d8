// `tandem agent`, its token and its relay; and agents in `tandem ls`.
#include "server/agent.h"

#include "base/encoding.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

constexpr int64_t kDaySeconds = 86'400;

struct AgentChoices {
    std::string server, token_file, pool, id, work;
    std::vector<std::string> gpus;
    size_t slots = 0, memory_mb = 0;
    int grace_s = 30, away_s = 0;
    bool no_isolate = false;
};

struct TokenChoices {
    std::string pool, agent;
    int days = 30;
};

int ended(const Context& context, const Result<void>& how) {
    return how ? kDone : report(context.out, how.error());
}

/// "0,1" and repeated options, both.
std::vector<std::string> split(const std::vector<std::string>& given) {
    std::vector<std::string> out;
    for (const std::string& list : given) {
        size_t at = 0;
        while (at <= list.size()) {
            const size_t comma = std::min(list.find(',', at), list.size());
            if (comma > at) out.push_back(list.substr(at, comma - at));
            at = comma + 1;
        }
    }
    return out;
}

int run(const Context& context, const AgentChoices& choices) {
    AgentConfig config;
    config.url = choices.server;
    config.token_file = choices.token_file;
    config.pool = choices.pool;
    config.id = choices.id;
    config.slots = choices.slots;
    config.memory_mb = choices.memory_mb;
    config.gpus = split(choices.gpus);
    config.work = choices.work;
    config.ca_file = context.client.ca_file;
    config.isolate = !choices.no_isolate;
    config.grace_s = choices.grace_s;
    config.away_s = choices.away_s;
    return ended(context, run_agent(config));
}

int run_token(const Context& context, const TokenChoices& choices) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    json::Value body = json::Value::object(
        {{"pool", choices.pool}, {"valid_s", int64_t(choices.days) * kDaySeconds}});
    if (!choices.agent.empty()) body.set("agent", choices.agent);
    auto reply = client->admin_post("/tandem/v1/agents/token", json::print(body));
    if (!reply) return report(context.out, reply.error());
    const auto token = json::parse(*reply);
    if (!token) return report(context.out, token.error());
    if (context.out.as_json) print_json(*token);
    else print_line(token->string_or("token", ""));
    return kDone;
}

void add_token(Command agent, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = agent.command("token", "Print a token that lets agents into a pool");
    auto choices = std::make_shared<TokenChoices>();
    command.option("--pool", choices->pool, "Its name").required();
    command.option("--agent", choices->agent, "The only name that the agent may have");
    command.option("--days", choices->days, "Valid for so long (default: 30)")
        .type_name("N")
        .between(1, 3'650);
    command.footer("The server renews the token of an agent that is connected.");
    command.chosen([=, &run] { run = [=] { return run_token(*context, *choices); }; });
}

void add_relay(Command agent, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = agent.command(
        "relay", "Pass agents on to a server that their machines cannot reach themselves");
    auto config = std::make_shared<RelayConfig>();
    command.option("--listen", config->listen, "ADDRESS:PORT").required();
    command.option("--server", config->url, "URL of the server").required();
    command.option("--tls-certificate", config->tls_certificate, "PEM certificate chain");
    command.option("--tls-key", config->tls_key, "PEM private key");
    command.option("--listening-file", config->ready_file, "Write ADDRESS:PORT here");
    command.chosen([=, &run] {
        run = [=] {
            config->ca_file = context->client.ca_file;
            return ended(*context, run_relay(*config));
        };
    });
}

}  // namespace

void add_agent(Command app, std::shared_ptr<Context> context, std::function<int()>& run_it) {
    Command command = app.command("agent", "Run functions of a server on this machine");
    add_token(command, context, run_it);
    add_relay(command, context, run_it);
    auto choices = std::make_shared<AgentChoices>();
    command.option("--server", choices->server, "URL of the server, or of a relay");
    command.option("--token-file", choices->token_file, "What `tandem agent token` printed");
    command.option("--pool", choices->pool, "Whose functions it runs");
    command.option("--id", choices->id, "Its name (default: this machine's, and a random part)");
    command.option("--slots", choices->slots, "Calls at a time (default: processors)")
        .type_name("N")
        .between(1, 65'536);
    command
        .option("--memory-mb", choices->memory_mb, "Of all calls together (default: not counted)")
        .type_name("N")
        .between(1, int64_t(1) << 40);
    command.option("--gpus", choices->gpus, "Ids, as in CUDA_VISIBLE_DEVICES")
        .type_name("A,B")
        .takes_one();
    command.option("--work", choices->work, "Directory of packages (default: a temporary one)");
    command.flag("--no-isolate", choices->no_isolate, "Functions see this machine's files");
    command.option("--grace-s", choices->grace_s, "To finish calls after SIGTERM (default: 30)")
        .type_name("N")
        .between(0, 86'400);
    command
        .option("--away-s", choices->away_s,
                "Leave after so long without the server (default: 0, never)")
        .type_name("N")
        .between(0, 31'536'000);
    command.footer("It dials out, and again when the connection breaks; SIGTERM lets it leave.");
    command.chosen([=, &run_it] {
        if (run_it) return;  // a subcommand
        if (choices->server.empty()) refuse_without("--server");
        if (choices->token_file.empty()) refuse_without("--token-file");
        if (choices->pool.empty()) refuse_without("--pool");
        run_it = [=] { return run(*context, *choices); };
    });
}

int list_agents(Client& client, const Output& out) {
    auto text = client.admin("/tandem/v1/agents");
    if (!text) return report(out, text.error());
    const auto answer = json::parse(*text);
    if (!answer) return report(out, answer.error());
    if (out.as_json) {
        print_json(*answer);
        return kDone;
    }
    std::vector<std::vector<Cell>> rows{
        {{"POOL"}, {"AGENT"}, {"NODE"}, {"SLOTS"}, {"FREE"}, {"CALLS"}, {"STATE"}}};
    std::vector<std::vector<Cell>> jobs{
        {{"POOL"}, {"PILOT"}, {"JOB"}, {"NODES"}, {"STATE"}, {"UNTIL"}}};
    std::vector<std::string> waiting;
    const json::Value* pools = answer->find("pools");
    for (const json::Value& pool : pools != nullptr ? pools->as_array() : json::Array()) {
        const std::string name(pool.string_or("pool", ""));
        if (const int64_t queued = pool.int_or("queued", 0); queued > 0) {
            waiting.push_back("pool " + name + ": " + counted(queued, "call") + " waiting since " +
                              std::string(pool.string_or("oldestQueued", "")) + ": " +
                              std::string(pool.string_or("reason", "")));
        }
        const json::Value* pilots = pool.find("pilots");
        for (const json::Value& p : pilots != nullptr ? pilots->as_array() : json::Array()) {
            const int64_t job = p.int_or("job", 0);
            const std::string reason(p.string_or("reason", ""));
            jobs.push_back({{name},
                            {std::string(p.string_or("id", ""))},
                            {job != 0 ? std::to_string(job) : ""},
                            {std::string(p.string_or("nodes", ""))},
                            {std::string(p.string_or("state", "")) +
                             (reason.empty() ? "" : " (" + reason + ")")},
                            {std::string(p.string_or("ends", p.string_or("expected", "")))}});
        }
        if (const std::string_view trouble = pool.string_or("trouble", ""); !trouble.empty())
            waiting.push_back("pool " + name + ": " + printable(trouble));
        const json::Value* agents = pool.find("agents");
        for (const json::Value& a : agents != nullptr ? agents->as_array() : json::Array()) {
            const bool connected = a.bool_or("connected", false);
            rows.push_back({{name},
                            {std::string(a.string_or("id", ""))},
                            {std::string(a.string_or("node", ""))},
                            {std::to_string(a.int_or("slots", 0))},
                            {std::to_string(a.int_or("freeSlots", 0))},
                            {std::to_string(a.int_or("running", 0))},
                            {!connected                     ? "away"
                             : a.bool_or("draining", false) ? "draining"
                                                            : "ready",
                             connected ? Style::kGreen : Style::kYellow}});
        }
    }
    if (rows.size() == 1) print_line("no agents");
    else print_table(out, rows);
    if (jobs.size() > 1) print_table(out, jobs);
    for (const std::string& line : waiting) print_line(line);
    return kDone;
}

}  // namespace tandem::cli
