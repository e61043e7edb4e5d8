#include "api/aws/fields.h"
#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/map_run.h"

namespace tandem::states {

namespace {

json::Value answer(const Context& context, const ExecutionSummary& run, const Payload& facts) {
    json::Value out = json::Value::object({{"mapRunArn", map_run_arn(context, run)},
                                           {"executionArn", parent_arn(context, run)},
                                           {"status", to_string(run.status)},
                                           {"startDate", aws::epoch_seconds(run.start_time)}});
    if (run.status != ExecutionStatus::kRunning)
        out.set("stopDate", aws::epoch_seconds(run.stop_time));
    const auto told = json::parse(facts.view());
    if (told && told->is_object()) {
        for (const auto& [name, value] : told->as_object()) out.set(name, value);
    }
    if (run.redrives == 0) return out;
    out.set("redriveCount", run.redrives);
    return out.set("redriveDate", aws::epoch_seconds(run.redrive_time));
}

/// Of a run that has ended: what its last event says.
Payload last_facts(const Context& context, const ExecutionSummary& run) {
    EventRange range;
    range.first_seq = range.last_seq = run.last_seq;
    const auto events = context.engine.history(run.id, range);
    return events && !events->empty() ? events->front().detail : Payload();
}

void describe(const Context& context, const std::string& arn, Done done) {
    auto found = find_map_run(context, arn);
    if (!found) return done(tl::unexpected(found.error()));
    ExecutionSummary run = *std::move(found);
    if (run.status != ExecutionStatus::kRunning)
        return done(answer(context, run, last_facts(context, run)));
    context.engine.inspect(run.id, [&context, arn, run, done](Result<Payload> facts) {
        if (!facts) return done(aws::refuse(facts.error()));
        if (!facts->is_null()) return done(answer(context, run, *facts));
        // It has ended meanwhile, and that is recorded.
        describe(context, arn, done);
    });
}

}  // namespace

void describe_map_run(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto arn = fields.string("mapRunArn", {.required = true, .min = 1, .max = kLongArnChars});
    if (const auto error = fields.error()) return done(tl::unexpected(*error));
    describe(context, *arn, std::move(done));
}

}  // namespace tandem::states
