// Connection: how HTTP Tasks prove themselves to an endpoint, and what is added to each of their
// requests; EventBridge's connections, as local configuration. Holds secrets: never logged or
// shown. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tandem::http {

enum class Authorization { kNone, kBasic, kApiKey, kOAuthClientCredentials };

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Connection {
    Authorization authorization = Authorization::kNone;
    std::string name;      // of the user, of the key's header, or the client's id
    std::string secret;    // the password, the key, or the client's secret
    std::string endpoint;  // of OAuth: where tokens come from
    Pairs headers;         // these win over those of a task
    Pairs query;
    Pairs body;
    bool allows_http = false;  // else only https, as in AWS
    std::string ca_file;       // trusted certificates (PEM) in place of the system's
};

using Connections = std::map<std::string, Connection, std::less<>>;

}  // namespace tandem::http
