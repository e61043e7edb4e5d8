#include <algorithm>

#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"

namespace tandem::lambda {

Reply delete_function(const Call& call) {
    const Context& context = call.context;
    const auto ref = parse_function(context.place, call.labels[0], call.query("Qualifier"));
    if (!ref) return tl::unexpected(ref.error());
    const auto latest = find_function(context, {ref->name, ""});
    if (!latest) return function_not_found(context.place, *ref);
    if (ref->qualifier == kLatest) {
        return aws::refuse("InvalidParameterValueException",
                           "$LATEST version cannot be deleted without deleting the function.");
    }
    std::string users;
    for (const auto& [alias, version] : latest->callable.aliases) {
        if (alias == ref->qualifier) {
            return aws::refuse("InvalidParameterValueException",
                               "Deletion of aliases is not currently supported.");
        }
        if (version == ref->qualifier) users += (users.empty() ? "" : ", ") + alias;
    }
    if (!users.empty()) {
        return aws::refuse(
            "ResourceConflictException",
            "Unable to delete version because the following aliases reference it: [" + users + "]",
            409);
    }
    const auto gone =
        context.engine.delete_callable({CallableKind::kFunction, ref->name, ref->qualifier});
    if (!gone) {
        if (gone.error().code == ErrorCode::kNotFound)
            return function_not_found(context.place, *ref);
        return aws::refuse(gone.error());
    }
    return RestReply{204, {}};
}

}  // namespace tandem::lambda
