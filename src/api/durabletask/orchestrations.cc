#include "api/durabletask/orchestrations.h"

#include "api/durabletask/task_hubs.h"
#include "base/stable_uuid.h"

namespace tandem::durabletask {

namespace {

std::optional<std::string> objection(const Wanted& wanted) {
    if (auto bad = bad_hub(wanted.hub)) return bad;
    if (auto bad = bad_name("orchestrator", wanted.name)) return bad;
    if (is_entity(wanted.instance))
        return "The instance ID of an orchestration must not begin with '@'.";
    return bad_instance_id(wanted.instance);
}

Start start_of(const Wanted& wanted) {
    Start start;
    start.set_hub(wanted.hub);
    start.set_started_by(wanted.started_by);
    CreateInstanceRequest& request = *start.mutable_request();
    request.set_instanceid(wanted.instance);
    request.set_name(wanted.name);
    if (wanted.version) request.mutable_version()->set_value(*wanted.version);
    for (const auto& [key, value] : wanted.tags) (*request.mutable_tags())[key] = value;
    return start;
}

bool began(const ExecutionSummary& summary, const std::string& caller) {
    Start start;
    return start.ParseFromString(summary.attributes.str()) && start.started_by() == caller;
}

void start_now(Engine& engine, const Wanted& wanted, Callback<Begun> done) {
    TaskHubs(engine).start(
        start_of(wanted), wanted.input,
        [caller = wanted.started_by, done = std::move(done)](const Result<StartReply>& reply) {
            if (!reply) return done(tl::unexpected<Error>(reply.error()));
            const ExecutionSummary& summary = reply->summary;
            if (reply->existed && !began(summary, caller)) {
                return done(
                    fail(ErrorCode::kAlreadyExists, "An orchestration with the instance ID '" +
                                                        summary.name + "' exists already."));
            }
            done(Begun{summary.id, summary.name});
        });
}

}  // namespace

void begin_orchestration(Engine& engine, const Post& post, Wanted wanted, Callback<Begun> done) {
    if (wanted.instance.empty()) wanted.instance = stable_uuid(wanted.started_by);
    if (auto bad = objection(wanted))
        return done(fail(ErrorCode::kInvalidArgument, *std::move(bad)));
    if (engine.callable({CallableKind::kTaskHub, wanted.hub, ""}))
        return start_now(engine, wanted, std::move(done));
    // The hub is made, which waits for the disk: not on the engine's thread.
    const bool posted = post([&engine, wanted = std::move(wanted), done] {
        const auto made = TaskHubs(engine).make(wanted.hub);
        if (!made) return done(tl::unexpected<Error>(made.error()));
        start_now(engine, wanted, done);
    });
    if (!posted) done(fail(ErrorCode::kOverloaded, "too many calls wait"));
}

}  // namespace tandem::durabletask
