#include "net/canonical.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"

namespace tandem::net {

namespace {

std::string collapsed(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (space && (out.empty() || out.back() == ' ')) continue;
        out.push_back(space ? ' ' : c);
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

/// Encodes a query part that may or may not be encoded already.
std::string recoded(std::string_view part) {
    const auto decoded = percent_decode(part);
    return percent_encode(decoded ? std::string_view(*decoded) : part);
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
           });
}

}  // namespace

std::string canonical_path(std::string_view raw) {
    std::vector<std::string_view> segments;
    for (size_t pos = 0; pos <= raw.size();) {
        const size_t end = std::min(raw.find('/', pos), raw.size());
        const std::string_view segment = raw.substr(pos, end - pos);
        if (segment == "..") {
            if (!segments.empty()) segments.pop_back();
        } else if (!segment.empty() && segment != ".") {
            segments.push_back(segment);
        }
        pos = end + 1;
    }
    std::string path = "/";
    for (size_t i = 0; i < segments.size(); ++i) {
        path += segments[i];
        if (i + 1 < segments.size()) path.push_back('/');
    }
    if (raw.size() > 1 && raw.back() == '/' && path.back() != '/') path.push_back('/');
    return percent_encode(path, "/");
}

std::string canonical_query(std::string_view raw, std::string_view without) {
    std::vector<std::pair<std::string, std::string>> parameters;
    while (!raw.empty()) {
        const size_t end = std::min(raw.find('&'), raw.size());
        const std::string_view pair = raw.substr(0, end);
        const size_t equals = std::min(pair.find('='), pair.size());
        if (!pair.empty() && (without.empty() || pair.substr(0, equals) != without)) {
            parameters.emplace_back(recoded(pair.substr(0, equals)),
                                    recoded(pair.substr(std::min(equals + 1, pair.size()))));
        }
        raw.remove_prefix(std::min(end + 1, raw.size()));
    }
    std::sort(parameters.begin(), parameters.end());
    std::string out;
    for (const auto& [name, value] : parameters) {
        if (!out.empty()) out.push_back('&');
        out += name + "=" + value;
    }
    return out;
}

PathCoding path_coding_of(std::string_view service) {
    return service == "s3" ? PathCoding::kAsSent : PathCoding::kNormalised;
}

std::string canonical_request(const HttpRequest& request, PathCoding coding,
                              std::string_view signed_headers, std::string_view payload_hash,
                              std::string_view query_without) {
    const std::string path = coding == PathCoding::kAsSent ? std::string(request.path())
                                                           : canonical_path(request.path());
    std::string out = request.method;
    out += "\n" + path + "\n" + canonical_query(request.query(), query_without) + "\n";
    for (size_t pos = 0; pos <= signed_headers.size();) {
        const size_t end = std::min(signed_headers.find(';', pos), signed_headers.size());
        const std::string_view name = signed_headers.substr(pos, end - pos);
        out += name;
        out.push_back(':');
        bool first = true;
        for (const auto& [key, value] : request.headers) {
            if (!same_ignoring_case(key, name)) continue;
            if (!first) out.push_back(',');
            first = false;
            out += collapsed(value);
        }
        out.push_back('\n');
        pos = end + 1;
    }
    out.push_back('\n');
    out += signed_headers;
    out.push_back('\n');
    out += payload_hash;
    return out;
}

}  // namespace tandem::net
