// GetFunction and GetFunctionConfiguration.

#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"

namespace tandem::lambda {

namespace {

struct Found {
    FunctionRef ref;
    FunctionRecord record;
};

Answer<Found> find(const Call& call) {
    const auto ref = parse_function(call.context.place, call.labels[0], call.query("Qualifier"));
    if (!ref) return tl::unexpected(ref.error());
    auto record = find_function(call.context, *ref);
    if (!record) return tl::unexpected(record.error());
    return Found{*ref, *std::move(record)};
}

}  // namespace

Reply get_function_configuration(const Call& call) {
    const auto found = find(call);
    if (!found) return tl::unexpected(found.error());
    return RestReply{200, configuration(call.context.place, found->record, found->ref.qualifier)};
}

Reply get_function(const Call& call) {
    const auto found = find(call);
    if (!found) return tl::unexpected(found.error());
    const auto latest = find_function(call.context, {found->ref.name, ""});
    if (!latest) return tl::unexpected(latest.error());
    const std::string_view host = call.request.headers.get_or("Host", "localhost");
    const std::string& blob = found->record.spec.code_blob;
    json::Value code = json::Value::object();
    if (!blob.empty())
        code = json::Value::object(
            {{"RepositoryType", "S3"}, {"Location", call.links.make(host, blob)}});
    json::Value out = json::Value::object(
        {{"Configuration", configuration(call.context.place, found->record, found->ref.qualifier)},
         {"Code", std::move(code)}});
    if (!latest->facts.tags.as_object().empty()) out.set("Tags", latest->facts.tags);
    if (latest->spec.reserved_concurrency) {
        out.set("Concurrency", json::Value::object({{"ReservedConcurrentExecutions",
                                                     *latest->spec.reserved_concurrency}}));
    }
    return RestReply{200, std::move(out)};
}

}  // namespace tandem::lambda
