#include "api/durabletask/http/links.h"

#include "api/durabletask/http/json_text.h"
#include "base/encoding.h"

namespace tandem::durabletask::http {

std::string Links::of(std::string_view instance, std::string_view action,
                      std::string_view parameters) const {
    return base + "/instances/" + percent_encode(instance) + std::string(action) + "?" +
           std::string(parameters) + query;
}

std::string Links::print(std::string_view instance) const {
    constexpr std::string_view kReason = "reason={text}&";
    JsonObject body;
    body.text("id", instance);
    body.text("statusQueryGetUri", status(instance));
    body.text("sendEventPostUri", of(instance, "/raiseEvent/{eventName}", ""));
    body.text("terminatePostUri", of(instance, "/terminate", kReason));
    body.text("purgeHistoryDeleteUri", status(instance));
    body.text("restartPostUri", of(instance, "/restart", ""));
    body.text("suspendPostUri", of(instance, "/suspend", kReason));
    body.text("resumePostUri", of(instance, "/resume", kReason));
    return body.end();
}

}  // namespace tandem::durabletask::http
