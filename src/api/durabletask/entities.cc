// Entities are told things, and looked at.
#include <algorithm>

#include "api/durabletask/service.h"

namespace tandem::durabletask {

Unary* Service::SignalEntity(Context* context, const SignalEntityRequest* request,
                             SignalEntityResponse*) {
    return in_hub_later(context, [this, request](const auto& call, const auto& hub) {
        const std::string id = entity_id(request->instanceid());
        if (const auto bad = bad_entity_id(id))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        if (const auto bad = bad_name("operation", request->name()))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        if (const auto made = hubs_.make(hub); !made) return call->end(to_status(made.error()));
        HistoryEvent event;
        EntityOperationSignaledEvent& signal = *event.mutable_entityoperationsignaled();
        signal.set_requestid(request->requestid());
        signal.set_operation(request->name());
        if (request->has_input()) *signal.mutable_input() = request->input();
        if (request->has_scheduledtime())
            *signal.mutable_scheduledtime() = request->scheduledtime();
        signal.mutable_targetinstanceid()->set_value(id);
        hubs_.tell_entity(hub, id, std::move(event), [call](const Result<StartReply>& told) {
            call->end(told ? grpc::Status::OK : to_status(told.error()));
        });
    });
}

/// One without a state is not there for clients.
Unary* Service::GetEntity(Context* context, const GetEntityRequest* request,
                          GetEntityResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        const std::string id = entity_id(request->instanceid());
        if (const auto bad = bad_entity_id(id))
            return call->end(refuse(grpc::StatusCode::INVALID_ARGUMENT, *bad));
        auto found = hubs_.entity(hub, id);
        if (!found && found.error().code != ErrorCode::kNotFound)
            return call->end(to_status(found.error()));
        call->answer([&] {
            if (!found || !found->has_state()) return grpc::Status::OK;
            response->set_exists(true);
            response->mutable_entity()->Swap(found->mutable_metadata());
            if (!request->includestate()) response->mutable_entity()->clear_serializedstate();
            return grpc::Status::OK;
        });
    });
}

Unary* Service::QueryEntities(Context* context, const QueryEntitiesRequest* request,
                              QueryEntitiesResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        const EntityQuery& query = request->query();
        EntityFilter filter;
        filter.id_prefix = query.instanceidstartswith().value();
        if (!filter.id_prefix.empty() && !is_entity(filter.id_prefix))
            filter.id_prefix.insert(0, "@");
        filter.id_prefix = entity_id(filter.id_prefix);
        if (query.has_lastmodifiedfrom())
            filter.modified_from = from_proto(query.lastmodifiedfrom());
        if (query.has_lastmodifiedto()) filter.modified_to = from_proto(query.lastmodifiedto());
        filter.with_state = query.includestate();
        filter.with_transient = query.includetransient();
        const int wanted = query.pagesize().value();
        const size_t most = wanted > 0 ? std::min(size_t(wanted), kPageInstances) : kPageInstances;
        auto page = hubs_.entities(hub, filter, query.continuationtoken().value(), most);
        if (!page) return call->end(to_status(page.error()));
        call->answer([&] {
            for (EntityMetadata& entity : page->entities) response->add_entities()->Swap(&entity);
            if (!page->next.empty()) response->mutable_continuationtoken()->set_value(page->next);
            return grpc::Status::OK;
        });
    });
}

/// Some of them in each call; the token says where to go on.
Unary* Service::CleanEntityStorage(Context* context, const CleanEntityStorageRequest* request,
                                   CleanEntityStorageResponse* response) {
    return in_hub_later(context, [this, request, response](const auto& call, const auto& hub) {
        const auto cleaned =
            hubs_.clean_entities(hub, request->continuationtoken().value(),
                                 request->removeemptyentities(), request->releaseorphanedlocks());
        if (!cleaned) return call->end(to_status(cleaned.error()));
        call->answer([&] {
            response->set_emptyentitiesremoved(cleaned->emptied);
            response->set_orphanedlocksreleased(cleaned->released);
            if (!cleaned->next.empty())
                response->mutable_continuationtoken()->set_value(cleaned->next);
            return grpc::Status::OK;
        });
    });
}

}  // namespace tandem::durabletask
