#include "api/lambda/versions.h"

#include <algorithm>
#include <charconv>

#include "api/lambda/actions.h"
#include "api/lambda/paging.h"
#include "api/lambda/precondition.h"

namespace tandem::lambda {

namespace {

int64_t number_of(const FunctionRecord& version) {
    int64_t n = 0;
    std::from_chars(version.spec.version.data(),
                    version.spec.version.data() + version.spec.version.size(), n);
    return n;
}

// "Lambda doesn't publish a version if the function's configuration and code haven't changed since
// the last version."
bool is_unchanged(const FunctionRecord& latest, const FunctionRecord& version) {
    FunctionSpec a = latest.spec, b = version.spec;
    b.version = a.version;
    b.reserved_concurrency = a.reserved_concurrency;
    b.provisioned_concurrency = a.provisioned_concurrency;
    const FunctionFacts &x = latest.facts, &y = version.facts;
    return a == b && x.code_sha256 == y.code_sha256 && x.role == y.role &&
           x.description == y.source_description && x.architecture == y.architecture &&
           x.tracing_mode == y.tracing_mode && x.logging == y.logging;
}

}  // namespace

Answer<std::vector<FunctionRecord>> versions_of(const Context& context, const std::string& name) {
    const auto revisions = context.engine.list_revisions(CallableKind::kFunction, name);
    if (!revisions) return aws::refuse(revisions.error());
    std::vector<FunctionRecord> out;
    for (const auto& callable : *revisions) {
        auto record = FunctionRecord::decode(*callable);
        if (!record) return tl::unexpected(record.error());
        if (record->spec.version != kLatest) out.push_back(*std::move(record));
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
    return out;
}

Answer<FunctionRecord> publish(const Context& context, FunctionRecord latest,
                               const std::optional<std::string>& description) {
    auto versions = versions_of(context, latest.spec.name);
    if (!versions) return tl::unexpected(versions.error());
    if (!versions->empty() && is_unchanged(latest, versions->back())) return versions->back();

    // Numbers are never used again, also after a deletion or a crash between the two writes below.
    const int64_t number = std::max(latest.facts.next_version,
                                    versions->empty() ? 1 : number_of(versions->back()) + 1);
    FunctionRecord version = latest;
    version.spec.version = std::to_string(number);
    version.callable.aliases.clear();
    version.facts.aliases.clear();
    version.facts.tags = json::Value::object();
    version.facts.source_description = latest.facts.description;
    if (description) version.facts.description = *description;
    version.touch(context.clock.now());
    version.callable.created = version.callable.updated;
    const auto put = context.engine.put_revision(version.encode());
    if (!put) return tl::unexpected(put_error(context, put.error(), latest));
    latest.facts.next_version = number + 1;
    if (const auto saved = amend_latest(context, latest); !saved)
        return tl::unexpected(saved.error());
    return version;
}

Reply publish_version(const Call& call) {
    const auto ref = parse_function(call.context.place, call.labels[0], std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    aws::Fields fields(call.body);
    const auto hash = fields.string("CodeSha256");
    const auto description =
        fields.string("Description", {.max = 256, .error_name = "description"});
    fields.string("RevisionId");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto latest = find_function(call.context, {ref->name, ""});
    if (!latest) return tl::unexpected(latest.error());
    if (const auto error = check_revision(call.body, latest->facts.revision_id))
        return tl::unexpected(*error);
    if (hash && !hash->empty() && *hash != latest->facts.code_sha256) {
        return aws::refuse(
            "InvalidParameterValueException",
            "CodeSHA256 (" + *hash + ") is different from current CodeSHA256 in $LATEST (" +
                latest->facts.code_sha256 + "). Please try again with the CodeSHA256 in $LATEST.");
    }
    const auto version = publish(call.context, *std::move(latest), description);
    if (!version) return tl::unexpected(version.error());
    return RestReply{201, configuration(call.context.place, *version, version->spec.version)};
}

Reply list_versions_by_function(const Call& call) {
    const auto ref = parse_function(call.context.place, call.labels[0], std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    const auto page = read_page(call, "ListVersionsByFunction/" + ref->name);
    if (!page) return tl::unexpected(page.error());
    auto latest = find_function(call.context, {ref->name, ""});
    if (!latest) return tl::unexpected(latest.error());
    auto all = versions_of(call.context, ref->name);
    if (!all) return tl::unexpected(all.error());
    all->insert(all->begin(), *std::move(latest));
    // The cursor is the number of the last version shown; "0" is $LATEST.
    int64_t after = -1;
    if (!page->after.empty())
        std::from_chars(page->after.data(), page->after.data() + page->after.size(), after);
    json::Value versions = json::Value::array();
    json::Value out = json::Value::object();
    int64_t last = 0;
    for (const FunctionRecord& record : *all) {
        const int64_t number = number_of(record);
        if (number <= after) continue;
        if (versions.as_array().size() == page->limit) {
            set_marker(out, *page, std::to_string(last));
            break;
        }
        versions.push_back(configuration(call.context.place, record, record.spec.version));
        last = number;
    }
    out.set("Versions", std::move(versions));
    return RestReply{200, std::move(out)};
}

}  // namespace tandem::lambda
