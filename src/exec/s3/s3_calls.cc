#include "exec/s3/s3_calls.h"

#include <array>
#include <span>

#include "base/encoding.h"
#include "base/rng.h"
#include "exec/s3/actions.h"

namespace tandem {

namespace s3 {

namespace {

enum class Type { kString, kNumber, kBoolean, kObject, kList, kBytes };
enum class Need { kRequired, kOptional };

struct Parameter {
    std::string_view name;
    Type type = Type::kString;
    Need need = Need::kOptional;
};

struct Action {
    std::string_view name;
    ServiceAnswer (*run)(const Call&);
    std::span<const Parameter> parameters;
};

// What is here and has no effect says how an object is to be shown or kept by AWS (its cache time,
// its class of storage, who pays); what would promise more (encryption, tags, versions) is not.
constexpr Parameter kBucket = {"Bucket", Type::kString, Need::kRequired};
constexpr Parameter kKey = {"Key", Type::kString, Need::kRequired};
constexpr Parameter kOwner = {"ExpectedBucketOwner"};
constexpr Parameter kPayer = {"RequestPayer"};

constexpr std::array kGet = {
    kBucket, kKey, kOwner, kPayer, Parameter{"Range"}, Parameter{"ChecksumMode"}};
constexpr std::array kPut = {kBucket,
                             kKey,
                             kOwner,
                             kPayer,
                             Parameter{"Body", Type::kBytes},
                             Parameter{"ContentType"},
                             Parameter{"ContentLength", Type::kNumber},
                             Parameter{"CacheControl"},
                             Parameter{"ContentDisposition"},
                             Parameter{"ContentEncoding"},
                             Parameter{"ContentLanguage"},
                             Parameter{"ChecksumAlgorithm"},
                             Parameter{"IfNoneMatch"},
                             Parameter{"StorageClass"}};
constexpr std::array kCopy = {kBucket,
                              kKey,
                              kOwner,
                              kPayer,
                              Parameter{"CopySource", Type::kString, Need::kRequired},
                              Parameter{"ContentType"},
                              Parameter{"MetadataDirective"},
                              Parameter{"ChecksumAlgorithm"},
                              Parameter{"ExpectedSourceBucketOwner"},
                              Parameter{"StorageClass"}};
constexpr std::array kDelete = {kBucket, kKey, kOwner, kPayer};
constexpr std::array kDeleteAll = {kBucket, kOwner, kPayer, Parameter{"ChecksumAlgorithm"},
                                   Parameter{"Delete", Type::kObject, Need::kRequired}};
constexpr std::array kList = {kBucket,
                              kOwner,
                              kPayer,
                              Parameter{"Delimiter"},
                              Parameter{"Marker"},
                              Parameter{"MaxKeys", Type::kNumber},
                              Parameter{"Prefix"}};
constexpr std::array kListV2 = {kBucket,
                                kOwner,
                                kPayer,
                                Parameter{"ContinuationToken"},
                                Parameter{"Delimiter"},
                                Parameter{"FetchOwner", Type::kBoolean},
                                Parameter{"MaxKeys", Type::kNumber},
                                Parameter{"Prefix"},
                                Parameter{"StartAfter"}};
constexpr std::array kCreate = {kBucket, Parameter{"ACL"},
                                Parameter{"CreateBucketConfiguration", Type::kObject},
                                Parameter{"ObjectOwnership"}};
constexpr std::array kHeadBucket = {kBucket, kOwner};

constexpr std::array kActions = {
    Action{"copyObject", copy_object, kCopy},
    Action{"createBucket", create_bucket, kCreate},
    Action{"deleteObject", delete_object, kDelete},
    Action{"deleteObjects", delete_objects, kDeleteAll},
    Action{"getObject", get_object, kGet},
    Action{"headBucket", head_bucket, kHeadBucket},
    Action{"headObject", head_object, kGet},
    Action{"listBuckets", list_buckets, {}},
    Action{"listObjects", list_objects, kList},
    Action{"listObjectsV2", list_objects_v2, kListV2},
    Action{"putObject", put_object, kPut},
};

const Action* find_action(std::string_view name) {
    for (const Action& action : kActions) {
        if (action.name == name) return &action;
    }
    return nullptr;
}

std::string_view name_of(Type type) {
    switch (type) {
        case Type::kString: return "STRING";
        case Type::kNumber: return "NUMBER";
        case Type::kBoolean: return "BOOLEAN";
        case Type::kObject: return "OBJECT";
        case Type::kList: return "ARRAY";
        case Type::kBytes: break;
    }
    return "STRING";
}

bool is_of(const json::Value& value, Type type) {
    switch (type) {
        case Type::kString: return value.is_string();
        case Type::kNumber: return value.is_number();
        case Type::kBoolean: return value.is_bool();
        case Type::kObject: return value.is_object();
        case Type::kList: return value.is_array();
        case Type::kBytes: break;
    }
    return true;  // bytes: whatever is not text is written as JSON
}

/// Why the parameters cannot be used; empty where they can.
std::string refusal(const Action& action, const json::Value& parameters) {
    if (!parameters.is_object()) return "The parameters must be an OBJECT";
    std::string out;
    const auto add = [&out](std::string text) {
        if (!out.empty()) out += ", ";
        out += text;
    };
    for (const auto& [name, value] : parameters.as_object()) {
        const Parameter* known = nullptr;
        for (const Parameter& parameter : action.parameters) {
            if (parameter.name == name) known = &parameter;
        }
        if (known == nullptr) {
            add("The field '" + std::string(name.substr(0, kShownChars)) +
                "' is not supported by Step Functions");
        } else if (!value.is_null() && !is_of(value, known->type)) {
            add("The value for the field '" + name + "' must be a " +
                std::string(name_of(known->type)));
        }
        if (out.size() > kShownChars) return out;
    }
    for (const Parameter& parameter : action.parameters) {
        const json::Value* value = parameters.find(parameter.name);
        if (parameter.need == Need::kRequired && (value == nullptr || value->is_null()))
            add("The field '" + std::string(parameter.name) + "' is required but was missing");
    }
    return out;
}

/// As S3 writes its request ids: 16 letters and digits.
std::string request_id() {
    constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string out;
    for (const char c : random_bytes(16)) out.push_back(kLetters[size_t(c) & 31]);
    return out;
}

}  // namespace

bool Call::has(std::string_view name) const {
    const json::Value* value = parameters.find(name);
    return value != nullptr && !value->is_null();
}

ServiceAnswer answer(json::Value output) {
    ServiceAnswer out;
    out.output = std::move(output);
    return out;
}

ServiceAnswer s3_error(std::string_view name, std::string_view message, int status) {
    ServiceAnswer out;
    out.error = "S3." + std::string(name);
    out.cause = std::string(message) + " (Service: S3, Status Code: " + std::to_string(status) +
                ", Request ID: " + request_id() +
                ", Extended Request ID: " + base64_encode(random_bytes(56)) + ")";
    return out;
}

namespace {

/// Errors that say nothing of what was asked for.
ServiceAnswer of_the_bucket(const Error& error) {
    switch (error.code) {
        case ErrorCode::kPermissionDenied:
        case ErrorCode::kUnauthenticated: return s3_error("S3Exception", "Access Denied", 403);
        case ErrorCode::kOverloaded:
            return s3_error("S3Exception", "Please reduce your request rate.", 503);
        case ErrorCode::kTooLarge:
            return s3_error("S3Exception",
                            "Your proposed upload exceeds the maximum allowed object size.", 400);
        case ErrorCode::kConflict:
            return s3_error("S3Exception",
                            "A conflicting operation is in the way of this key: " + error.message,
                            409);
        case ErrorCode::kInvalidArgument: return s3_error("S3Exception", error.message, 400);
        case ErrorCode::kUnavailable:
        case ErrorCode::kTimeout: {
            ServiceAnswer out;  // nobody answered: this is the SDK's own error
            out.error = "S3.SdkClientException";
            out.cause = "Unable to execute HTTP request: " + error.message;
            return out;
        }
        case ErrorCode::kNotFound:
        case ErrorCode::kAlreadyExists:
        case ErrorCode::kUnsupported:
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt:
        case ErrorCode::kInternal: break;
    }
    return s3_error("S3Exception", "We encountered an internal error. Please try again.", 500);
}

}  // namespace

ServiceAnswer no_bucket(const Error& error) {
    if (error.code == ErrorCode::kNotFound)
        return s3_error("NoSuchBucketException", "The specified bucket does not exist", 404);
    return of_the_bucket(error);
}

ServiceAnswer no_object(const Error& error) {
    if (error.code == ErrorCode::kNotFound)
        return s3_error("NoSuchKeyException", "The specified key does not exist.", 404);
    return of_the_bucket(error);
}

std::string date_of(Timestamp t) { return format_iso8601(t).substr(0, 19) + "Z"; }

std::string in_quotes(std::string_view etag) { return "\"" + std::string(etag) + "\""; }

}  // namespace s3

std::vector<std::string_view> s3_actions() {
    std::vector<std::string_view> out;
    for (const auto& action : s3::kActions) out.push_back(action.name);
    return out;
}

bool is_s3_action(std::string_view action) { return s3::find_action(action) != nullptr; }

ServiceAnswer call_s3(Buckets& buckets, std::string_view action, const json::Value& parameters,
                      S3CallLimits limits) {
    ServiceAnswer out;
    const s3::Action* found = s3::find_action(action);
    if (found == nullptr) {
        out.refused = "The action '" + std::string(action.substr(0, kShownChars)) +
                      "' is not supported by Step Functions";
        return out;
    }
    out.refused = s3::refusal(*found, parameters);
    if (!out.refused.empty()) return out;
    return found->run({buckets, parameters, limits});
}

std::string s3_bucket_cause(const Error& error) { return s3::no_bucket(error).cause; }

std::string s3_object_cause(const Error& error) { return s3::no_object(error).cause; }

}  // namespace tandem
