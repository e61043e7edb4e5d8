// What clients tell instances.
#include "api/durabletask/service.h"

namespace tandem::durabletask {

/// One that has ended takes it and does nothing.
Unary* Service::signal(Context* context, const std::string& instance, HistoryEvent event) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        if (const auto bad = bad_instance_id(instance))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        if (is_entity(instance))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, is_an_entity(instance)));
        engine_.signal(execution_id(hub, instance), message_of(std::move(event)),
                       [call, hub, instance](const Result<ExecutionSummary>& told) {
                           if (!told && told.error().code == ErrorCode::kNotFound)
                               return call->end(refuse(grpc::StatusCode::NOT_FOUND,
                                                       no_such_instance(hub, instance)));
                           call->end(told ? grpc::Status::OK : to_status(told.error()));
                       });
    });
}

Unary* Service::RaiseEvent(Context* context, const RaiseEventRequest* request,
                           RaiseEventResponse*) {
    if (const auto bad = bad_name("event", request->name())) {
        return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string&) {
            call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        });
    }
    HistoryEvent event;
    event.mutable_eventraised()->set_name(request->name());
    if (request->has_input()) *event.mutable_eventraised()->mutable_input() = request->input();
    return signal(context, request->instanceid(), std::move(event));
}

Unary* Service::TerminateInstance(Context* context, const TerminateRequest* request,
                                  TerminateResponse*) {
    HistoryEvent event;
    ExecutionTerminatedEvent& terminated = *event.mutable_executionterminated();
    if (request->has_output()) *terminated.mutable_input() = request->output();
    terminated.set_recurse(request->recursive());
    return signal(context, request->instanceid(), std::move(event));
}

Unary* Service::SuspendInstance(Context* context, const SuspendRequest* request, SuspendResponse*) {
    HistoryEvent event;
    ExecutionSuspendedEvent& suspended = *event.mutable_executionsuspended();
    if (request->has_reason()) *suspended.mutable_input() = request->reason();
    return signal(context, request->instanceid(), std::move(event));
}

Unary* Service::ResumeInstance(Context* context, const ResumeRequest* request, ResumeResponse*) {
    HistoryEvent event;
    ExecutionResumedEvent& resumed = *event.mutable_executionresumed();
    if (request->has_reason()) *resumed.mutable_input() = request->reason();
    return signal(context, request->instanceid(), std::move(event));
}

Unary* Service::RewindInstance(Context* context, const RewindInstanceRequest* request,
                               RewindInstanceResponse*) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        if (const auto bad = bad_instance_id(request->instanceid()))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        if (is_entity(request->instanceid()))
            return call->end(
                refuse(grpc::StatusCode::INVALID_ARGUMENT, is_an_entity(request->instanceid())));
        HistoryEvent event;
        ExecutionRewoundEvent& rewound = *event.mutable_executionrewound();
        if (request->has_reason()) *rewound.mutable_reason() = request->reason();
        RedriveRequest redrive;
        redrive.id = execution_id(hub, request->instanceid());
        redrive.data = message_of(std::move(event));
        engine_.redrive(std::move(redrive), [call, hub, id = request->instanceid()](
                                                const Result<RedriveReply>& reply) {
            if (!reply && reply.error().code == ErrorCode::kNotFound)
                return call->end(refuse(grpc::StatusCode::NOT_FOUND, no_such_instance(hub, id)));
            if (!reply) return call->end(to_status(reply.error()));
            if (reply->accepted) return call->end(grpc::Status::OK);
            call->end(refuse(grpc::StatusCode::FAILED_PRECONDITION,
                             "The orchestration has not failed: only failed ones are rewound."));
        });
    });
}

/// Ends them where they are, without a word to a worker. Those that could not be are named.
Unary* Service::SkipGracefulOrchestrationTerminations(
    Context* context, const SkipGracefulOrchestrationTerminationsRequest* request,
    SkipGracefulOrchestrationTerminationsResponse* response) {
    return in_hub(context, [&](const std::shared_ptr<Call>& call, const std::string& hub) {
        const auto& ids = request->instancebatch().instanceids();
        if (ids.empty() || ids.size() > kBatchInstances) {
            return call->end(
                refuse(grpc::StatusCode::INVALID_ARGUMENT,
                       "Name 1 to " + std::to_string(kBatchInstances) + " instances."));
        }
        Message terminate;
        terminate.mutable_event()->set_eventid(-1);
        auto& event = *terminate.mutable_event()->mutable_executionterminated();
        if (request->has_reason()) *event.mutable_input() = request->reason();
        terminate.set_spares_owners(true);
        struct Job {
            std::mutex mutex;
            int left = 0;
            std::vector<std::string> unterminated;
        };
        const auto job = std::make_shared<Job>();
        job->left = ids.size();
        const Payload message(terminate.SerializeAsString());
        for (const std::string& id : ids) {
            engine_.signal(execution_id(hub, id), message,
                           [call, job, id, response](const Result<ExecutionSummary>& told) {
                               const std::lock_guard lock(job->mutex);
                               const bool ended =
                                   told && status_of(*told) == ORCHESTRATION_STATUS_TERMINATED;
                               if (!ended) job->unterminated.push_back(id);
                               if (--job->left > 0) return;
                               call->answer([&] {
                                   for (std::string& one : job->unterminated)
                                       response->add_unterminatedinstanceids(std::move(one));
                                   return grpc::Status::OK;
                               });
                           });
        }
    });
}

}  // namespace tandem::durabletask
