#include "store/s3/s3_xml.h"

#include <charconv>
#include <pugixml.hpp>

#include "base/encoding.h"

namespace tandem::s3 {

namespace {

tl::unexpected<Error> no_answer(std::string_view wanted) {
    return fail(ErrorCode::kUnavailable,
                "the endpoint's answer is no " + std::string(wanted) + " of S3");
}

bool parse(pugi::xml_document& document, std::string_view xml) {
    return bool(document.load_buffer(xml.data(), xml.size(),
                                     pugi::parse_default | pugi::parse_ws_pcdata_single));
}

/// Of encoding-type=url: '+' is a space, as in a form.
std::optional<std::string> decoded(std::string text) {
    for (char& c : text) {
        if (c == '+') c = ' ';
    }
    auto out = percent_decode(text);
    return out ? std::optional<std::string>(std::move(*out)) : std::nullopt;
}

/// Whole seconds, as S3's headers have them.
std::optional<Timestamp> read_time(std::string_view text) {
    const auto time = parse_rfc3339(text);
    if (!time) return std::nullopt;
    return from_micros(to_micros(*time) / 1'000'000 * 1'000'000);
}

std::optional<ObjectInfo> read_object(const pugi::xml_node& node) {
    ObjectInfo out;
    auto key = decoded(node.child_value("Key"));
    const std::string_view size = node.child_value("Size");
    const auto modified = read_time(node.child_value("LastModified"));
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), out.size);
    if (!key || key->empty() || !modified || error != std::errc() ||
        end != size.data() + size.size())
        return std::nullopt;
    out.key = std::move(*key);
    out.modified = *modified;
    out.etag = plain_etag(node.child_value("ETag"));
    return out;
}

}  // namespace

std::string plain_etag(std::string_view quoted) {
    if (quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"')
        quoted = quoted.substr(1, quoted.size() - 2);
    return std::string(quoted);
}

ErrorAnswer read_error(std::string_view xml) {
    pugi::xml_document document;
    if (!parse(document, xml)) return {};
    const pugi::xml_node error = document.child("Error");
    return {error.child_value("Code"), to_valid_utf8(error.child_value("Message"))};
}

Result<ListAnswer> read_list(std::string_view xml) {
    pugi::xml_document document;
    const pugi::xml_node list =
        parse(document, xml) ? document.child("ListBucketResult") : pugi::xml_node();
    if (!list) return no_answer("list");
    ListAnswer out;
    for (const pugi::xml_node& node : list.children("Contents")) {
        auto object = read_object(node);
        if (!object) return no_answer("list");
        out.objects.push_back(std::move(*object));
    }
    for (const pugi::xml_node& node : list.children("CommonPrefixes")) {
        auto prefix = decoded(node.child_value("Prefix"));
        if (!prefix || prefix->empty()) return no_answer("list");
        out.prefixes.push_back(std::move(*prefix));
    }
    if (std::string_view(list.child_value("IsTruncated")) != "true") return out;
    out.next_token = list.child_value("NextContinuationToken");
    if (out.next_token.empty()) return no_answer("list");
    return out;
}

Result<std::string> read_upload_id(std::string_view xml) {
    pugi::xml_document document;
    if (!parse(document, xml)) return no_answer("upload");
    std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
    if (id.empty()) return no_answer("upload");
    return id;
}

Result<std::string> read_completed(std::string_view xml) {
    pugi::xml_document document;
    if (!parse(document, xml)) return no_answer("upload");
    // "A request could receive a 200 OK and then fail": the answer may be an error all the same.
    const ErrorAnswer error = read_error(xml);
    if (!error.code.empty())
        return fail(ErrorCode::kUnavailable, error.code + ": " + error.message);
    const pugi::xml_node completed = document.child("CompleteMultipartUploadResult");
    if (!completed) return no_answer("upload");
    return plain_etag(completed.child_value("ETag"));
}

std::string print_parts(const std::vector<std::string>& etags) {
    std::string out = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < etags.size(); ++i) {
        out += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>\"";
        for (const char c : etags[i]) {
            if (c == '<') out += "&lt;";
            else if (c == '&') out += "&amp;";
            else out.push_back(c);
        }
        out += "\"</ETag></Part>";
    }
    return out + "</CompleteMultipartUpload>";
}

}  // namespace tandem::s3
