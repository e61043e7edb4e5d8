#include "store/s3/s3_bucket.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "store/s3/s3_client.h"
#include "store/s3/s3_xml.h"
#include "store/s3/s3_writer.h"

namespace tandem {

namespace s3 {

namespace {

std::optional<uint64_t> number_of(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// S3 would take a key with dots as segments, but what is between here and there may tidy paths.
bool is_key(std::string_view key) {
    if (key.empty() || key.size() > kObjectKeyBytes || !is_valid_utf8(key)) return false;
    const std::string framed = "/" + std::string(key) + "/";
    return framed.find("/./") == framed.npos && framed.find("/../") == framed.npos;
}

tl::unexpected<Error> bad_key() {
    return fail(ErrorCode::kInvalidArgument, "S3 cannot be asked for such a key");
}

tl::unexpected<Error> bad_range() {
    return fail(ErrorCode::kInvalidArgument, "the range is not satisfiable");
}

/// Size of the whole object: behind the '/' of Content-Range where a part was asked for.
std::optional<uint64_t> whole_size(const net::HttpResponse& response, size_t body_bytes) {
    const std::string* range = response.headers.find("Content-Range");
    if (response.status != 206 || range == nullptr) return body_bytes;
    const size_t slash = range->find('/');
    return slash == std::string::npos ? std::nullopt
                                      : number_of(std::string_view(*range).substr(slash + 1));
}

class S3Bucket final : public Bucket {
public:
    explicit S3Bucket(std::shared_ptr<Client> client) : client_(std::move(client)) {}

    Result<ObjectBytes> get(std::string_view key, ByteRange range) const override {
        if (!is_key(key)) return bad_key();
        const bool is_whole = range.first == 0 && range.length == UINT64_MAX;
        if (!is_whole && range.length == 0) return nothing(key, range);
        Request request{.key = std::string(key)};
        if (!is_whole) {
            const uint64_t room = UINT64_MAX - range.first;
            const std::string last = range.length > room || range.length == UINT64_MAX
                                         ? std::string()
                                         : std::to_string(range.first + range.length - 1);
            request.headers.emplace_back("Range",
                                         "bytes=" + std::to_string(range.first) + "-" + last);
        }
        const auto answer = client_->call(request);
        if (!answer) return tl::unexpected<Error>(answer.error());
        if (answer->status == 416) return range.first == 0 ? nothing(key, range) : bad_range();
        return object_of(key, range, *answer);
    }

    Result<ObjectInfo> put(std::string_view key, std::string_view bytes,
                           PutOptions options) override {
        if (!is_key(key)) return bad_key();
        return put_object(*client_, std::string(key), std::string(bytes), options);
    }

    Result<std::unique_ptr<ObjectWriter>> writer(std::string_view key,
                                                 PutOptions options) override {
        if (!is_key(key)) return bad_key();
        return make_writer(client_, std::string(key), std::move(options));
    }

    Result<ObjectInfo> head(std::string_view key) const override {
        if (!is_key(key)) return bad_key();
        const auto answer = client_->call({.method = "HEAD", .key = std::string(key)});
        if (!answer) return tl::unexpected<Error>(answer.error());
        const auto size = number_of(answer->headers.get_or("Content-Length", ""));
        if (!size) return fail(ErrorCode::kUnavailable, "the endpoint tells no size");
        return info_of(std::string(key), *size, *answer);
    }

    Result<void> remove(std::string_view key) override {
        if (!is_key(key)) return bad_key();
        const auto answer = client_->call({.method = "DELETE", .key = std::string(key)});
        if (!answer) return tl::unexpected<Error>(answer.error());
        return {};
    }

    Result<ListPage> list(const ListRequest& request) const override {
        const size_t max = std::min(request.max_keys, kListKeysMax);
        ListPage page;
        std::string last;
        std::string token;
        while (page.objects.size() + page.prefixes.size() < max) {
            const size_t room = max - page.objects.size() - page.prefixes.size();
            auto answer = list_from(request, token, room);
            if (!answer) return tl::unexpected<Error>(answer.error());
            // A common prefix comes again for the keys in it that are behind `after`.
            for (ObjectInfo& object : answer->objects) {
                if (object.key <= request.after) continue;
                last = std::max(last, object.key);
                page.objects.push_back(std::move(object));
            }
            for (std::string& prefix : answer->prefixes) {
                if (prefix <= request.after) continue;
                last = std::max(last, prefix);
                page.prefixes.push_back(std::move(prefix));
            }
            if (answer->next_token.empty()) return page;
            if (answer->next_token == token)
                return fail(ErrorCode::kUnavailable, "the endpoint's list does not end");
            token = std::move(answer->next_token);
        }
        page.next = last;
        return page;
    }

private:
    /// The empty range of an object, and all that an empty object has.
    Result<ObjectBytes> nothing(std::string_view key, ByteRange range) const {
        auto info = head(key);
        if (!info) return tl::unexpected<Error>(info.error());
        const bool is_behind =
            range.first > info->size || (range.first == info->size && info->size > 0);
        if (is_behind) return bad_range();
        return ObjectBytes{std::move(*info), {}};
    }

    static Result<ObjectBytes> object_of(std::string_view key, ByteRange range,
                                         const net::HttpResponse& answer) {
        std::string bytes = answer.body.str();
        const auto size = whole_size(answer, bytes.size());
        if (!size) return fail(ErrorCode::kUnavailable, "the endpoint tells no size");
        if (answer.status != 206) {  // it gave all
            if (range.first > bytes.size()) return bad_range();
            bytes = bytes.substr(range.first, range.length);
        }
        if (bytes.size() > range.length)
            return fail(ErrorCode::kUnavailable, "the endpoint gave another range");
        return ObjectBytes{info_of(std::string(key), *size, answer), std::move(bytes)};
    }

    Result<ListAnswer> list_from(const ListRequest& request, const std::string& token,
                                 size_t room) const {
        Request call;
        call.query = {
            {"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", std::to_string(room)}};
        if (!request.prefix.empty()) call.query.emplace_back("prefix", request.prefix);
        if (!request.delimiter.empty()) call.query.emplace_back("delimiter", request.delimiter);
        if (!token.empty()) call.query.emplace_back("continuation-token", token);
        else if (!request.after.empty()) call.query.emplace_back("start-after", request.after);
        const auto answer = client_->call(call);
        if (!answer) return tl::unexpected<Error>(answer.error());
        return read_list(answer->body.view());
    }

    std::shared_ptr<Client> client_;
};

}  // namespace

}  // namespace s3

Result<std::shared_ptr<Bucket>> open_s3_bucket(S3BucketOptions options) {
    if (!is_bucket_name(options.bucket))
        return fail(ErrorCode::kInvalidArgument, "no bucket of S3 is named " + options.bucket);
    auto client = std::make_shared<s3::Client>(std::move(options));
    if (auto ok = client->open(); !ok) return tl::unexpected<Error>(ok.error());
    return std::shared_ptr<Bucket>(std::make_shared<s3::S3Bucket>(std::move(client)));
}

}  // namespace tandem
