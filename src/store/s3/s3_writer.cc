#include "store/s3/s3_writer.h"

#include <array>

#include "base/encoding.h"
#include "store/s3/s3_xml.h"

namespace tandem::s3 {

namespace {

Request put_request(std::string key, std::string bytes, const PutOptions& options) {
    Request out{.method = "PUT", .key = std::move(key), .body = std::move(bytes)};
    if (!options.content_type.empty())
        out.headers.emplace_back("Content-Type", options.content_type);
    if (options.only_if_absent) {
        out.headers.emplace_back("If-None-Match", "*");
        out.is_repeatable = false;  // the second would be refused because of the first
    }
    return out;
}

class Upload final : public ObjectWriter {
public:
    Upload(std::shared_ptr<Client> client, std::string key, PutOptions options)
        : client_(std::move(client)), key_(std::move(key)), options_(std::move(options)) {}

    ~Upload() override {
        if (id_.empty() || finished_) return;
        // Best effort: an endpoint that cannot be reached has its own rules for abandoned parts.
        (void)client_->call({.method = "DELETE",
                             .key = key_,
                             .query = {{"uploadId", id_}},
                             .is_repeatable = false});
    }

    Result<void> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (part_.size() == kS3PartBytes) {
                if (auto ok = send_part(); !ok) return ok;
            }
            const size_t taken = std::min(bytes.size(), kS3PartBytes - part_.size());
            part_ += bytes.substr(0, taken);
            bytes.remove_prefix(taken);
        }
        return {};
    }

    Result<ObjectInfo> finish() override {
        if (id_.empty()) return put_object(*client_, key_, std::move(part_), options_);
        if (auto ok = send_part(); !ok) return tl::unexpected<Error>(ok.error());
        const auto answer = client_->call({.method = "POST",
                                           .key = key_,
                                           .query = {{"uploadId", id_}},
                                           .body = print_parts(etags_)});
        // The upload is gone where an earlier attempt has completed it and only its answer was
        // lost.
        if (!answer && answer.error().code == ErrorCode::kNotFound) return completed_before(answer);
        if (!answer) return tl::unexpected<Error>(answer.error());
        auto etag = read_completed(answer->body.view());
        if (!etag) return tl::unexpected<Error>(etag.error());
        finished_ = true;
        if (etag->empty()) {
            const auto head = client_->call({.method = "HEAD", .key = key_});
            if (!head) return tl::unexpected<Error>(head.error());
            return info_of(key_, size_, *head);
        }
        ObjectInfo info = info_of(key_, size_, *answer);
        info.etag = std::move(*etag);
        return info;
    }

private:
    Result<ObjectInfo> completed_before(const Result<net::HttpResponse>& refused) {
        const auto head = client_->call({.method = "HEAD", .key = key_});
        std::string digests;
        for (const std::string& etag : etags_) digests += unhex(etag).value_or("");
        const std::string expected =
            hex(digest(Digest::kMd5, digests)) + "-" + std::to_string(etags_.size());
        if (!head || plain_etag(head->headers.get_or("ETag", "")) != expected)
            return tl::unexpected<Error>(refused.error());
        finished_ = true;
        return info_of(key_, size_, *head);
    }

    Result<void> begin() {
        Request request{.method = "POST", .key = key_, .query = {{"uploads", ""}}};
        if (!options_.content_type.empty())
            request.headers.emplace_back("Content-Type", options_.content_type);
        const auto answer = client_->call(request);
        if (!answer) return tl::unexpected<Error>(answer.error());
        auto id = read_upload_id(answer->body.view());
        if (!id) return tl::unexpected<Error>(id.error());
        id_ = std::move(*id);
        return {};
    }

    Result<void> send_part() {
        if (id_.empty()) {
            if (auto ok = begin(); !ok) return ok;
        }
        if (etags_.size() == kS3Parts)
            return fail(ErrorCode::kTooLarge, "an object has at most " + std::to_string(kS3Parts) +
                                                  " parts of " + std::to_string(kS3PartBytes) +
                                                  " bytes");
        const size_t bytes = part_.size();
        const auto answer = client_->call(
            {.method = "PUT",
             .key = key_,
             .query = {{"partNumber", std::to_string(etags_.size() + 1)}, {"uploadId", id_}},
             .body = std::move(part_)});
        part_.clear();
        if (!answer) return tl::unexpected<Error>(answer.error());
        etags_.push_back(plain_etag(answer->headers.get_or("ETag", "")));
        size_ += bytes;
        return {};
    }

    std::shared_ptr<Client> client_;
    std::string key_;
    PutOptions options_;
    std::string part_;  // not yet sent
    std::string id_;    // of the multipart upload, once there is one
    std::vector<std::string> etags_;
    uint64_t size_ = 0;  // of the parts that were sent
    bool finished_ = false;
};

}  // namespace

Result<Timestamp> parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    constexpr size_t kLength = 29;
    const auto bad = [] { return fail(ErrorCode::kInvalidArgument, "this is no HTTP date"); };
    if (text.size() != kLength || !text.ends_with(" GMT")) return bad();
    for (size_t i = 0; i < kMonths.size(); ++i) {
        if (text.substr(8, 3) != kMonths[i]) continue;
        const std::string month = std::to_string(i + 101).substr(1);
        return parse_rfc3339(std::string(text.substr(12, 4)) + "-" + month + "-" +
                             std::string(text.substr(5, 2)) + "T" +
                             std::string(text.substr(17, 8)) + "Z");
    }
    return bad();
}

ObjectInfo info_of(std::string key, uint64_t size, const net::HttpResponse& answer) {
    const auto modified = parse_http_date(answer.headers.get_or("Last-Modified", ""));
    const auto date = parse_http_date(answer.headers.get_or("Date", ""));
    ObjectInfo out;
    out.key = std::move(key);
    out.etag = plain_etag(answer.headers.get_or("ETag", ""));
    out.size = size;
    out.modified = modified ? *modified : date ? *date : Timestamp();
    out.content_type = answer.headers.get_or("Content-Type", "");
    return out;
}

Result<ObjectInfo> put_object(Client& client, std::string key, std::string bytes,
                              const PutOptions& options) {
    const uint64_t size = bytes.size();
    const Request request = put_request(std::move(key), std::move(bytes), options);
    const auto answer = client.call(request);
    if (!answer) return tl::unexpected<Error>(answer.error());
    ObjectInfo info = info_of(request.key, size, *answer);
    info.content_type = options.content_type;
    return info;
}

std::unique_ptr<ObjectWriter> make_writer(std::shared_ptr<Client> client, std::string key,
                                          PutOptions options) {
    return std::make_unique<Upload>(std::move(client), std::move(key), std::move(options));
}

}  // namespace tandem::s3
