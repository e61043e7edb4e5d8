#include "server/config.h"

#include <fstream>
#include <limits>
#include <sstream>
#include <variant>

#include "server/config_pools.h"
#include "server/config_jobs.h"
#include "server/toml.h"
#include "store/blob/object_store.h"

namespace tandem {

namespace {

struct LimitRow {
    const char* name;
    std::variant<size_t Limits::*, int64_t Limits::*> member;
    int64_t min;
    int64_t max;
    const char* unit;
};

constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = kKiB * kKiB;
constexpr int64_t kGiB = kKiB * kMiB;
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kInlineBytesMin = kKiB;
constexpr int64_t kInlineBytesMax = 64 * kMiB;

const LimitRow kLimitRows[] = {
    {"http_header_bytes", &Limits::http_header_bytes, 4 * kKiB, kMiB, "bytes"},
    {"http_body_bytes", &Limits::http_body_bytes, kMiB, kGiB, "bytes"},
    {"http_bodies_bytes", &Limits::http_bodies_bytes, 16 * kMiB, 1024 * kGiB, "bytes"},
    {"http_connections", &Limits::http_connections, 16, 1'000'000, "connections"},
    {"http_header_timeout_ms", &Limits::http_header_timeout_ms, 10, kDayMs, "ms"},
    {"http_body_timeout_ms", &Limits::http_body_timeout_ms, 10, kDayMs, "ms"},
    {"http_idle_timeout_ms", &Limits::http_idle_timeout_ms, 10, kDayMs, "ms"},
    {"drain_timeout_ms", &Limits::drain_timeout_ms, 0, kDayMs, "ms"},
    {"shards", &Limits::shards, 1, 256, "threads"},
    {"mailbox_inputs", &Limits::mailbox_inputs, 16, 16'777'216, "inputs"},
    {"batch_inputs", &Limits::batch_inputs, 1, 65'536, "inputs"},
    {"history_events", &Limits::history_events, 100, 1'000'000, "events"},
    {"execution_s", &Limits::execution_s, 60, 3'650 * kDayMs / 1'000, "s"},
    {"map_iterations", &Limits::map_iterations, 1, 100'000, "iterations"},
    {"open_executions", &Limits::open_executions, 1, 100'000'000, "executions"},
    {"transient_executions", &Limits::transient_executions, 1, 1'000'000, "executions"},
    {"passivate_after_ms", &Limits::passivate_after_ms, 0, kDayMs, "ms"},
    {"history_retention_days", &Limits::history_retention_days, 1, 36'500, "days"},
    {"payload_bytes", &Limits::payload_bytes, kKiB, 64 * kMiB, "bytes"},
    {"variable_bytes", &Limits::variable_bytes, kKiB, 64 * kMiB, "bytes"},
    {"variables_bytes", &Limits::variables_bytes, kKiB, kGiB, "bytes"},
    {"json_depth", &Limits::json_depth, 16, 1'000, "levels"},
    {"worker_processes", &Limits::worker_processes, 1, 100'000, "processes"},
    {"worker_idle_ms", &Limits::worker_idle_ms, 10, kDayMs, "ms"},
    {"function_init_timeout_ms", &Limits::function_init_timeout_ms, 100, 900'000, "ms"},
    {"invoke_request_bytes", &Limits::invoke_request_bytes, kKiB, kGiB, "bytes"},
    {"invoke_response_bytes", &Limits::invoke_response_bytes, kKiB, kGiB, "bytes"},
    {"invoke_event_bytes", &Limits::invoke_event_bytes, kKiB, 64 * kMiB, "bytes"},
    {"function_zip_bytes", &Limits::function_zip_bytes, kKiB, kGiB, "bytes"},
    {"function_unzipped_bytes", &Limits::function_unzipped_bytes, kKiB, 64 * kGiB, "bytes"},
    {"function_zip_entries", &Limits::function_zip_entries, 1, 10'000'000, "entries"},
    {"function_log_bytes", &Limits::function_log_bytes, 4 * kKiB, 64 * kGiB, "bytes"},
    {"execution_log_bytes", &Limits::execution_log_bytes, 8 * kKiB, 64 * kGiB, "bytes"},
    {"event_max_age_s", &Limits::event_max_age_s, 60, 21'600, "s"},
};

tl::unexpected<Error> bad_key(std::string_view section, std::string_view key,
                              std::string_view expected) {
    return fail(ErrorCode::kInvalidArgument, "[" + std::string(section) + "] " + std::string(key) +
                                                 ": " + std::string(expected));
}

Result<void> apply_limit(std::string_view key, const toml::node& node, Limits& limits) {
    for (const LimitRow& row : kLimitRows) {
        if (key != row.name) continue;
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < row.min || *value > row.max) {
            return bad_key("limits", key,
                           "expected an integer between " + std::to_string(row.min) + " and " +
                               std::to_string(row.max) + " " + row.unit);
        }
        std::visit(
            [&](auto member) {
                limits.*member =
                    static_cast<std::remove_reference_t<decltype(limits.*member)>>(*value);
            },
            row.member);
        return {};
    }
    return bad_key("limits", key, "no such limit");
}

Result<void> apply_listen(std::string_view text, Config& config) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return bad_key("server", "listen", "expected \"address:port\"");
    const std::string digits(text.substr(colon + 1));
    if (digits.empty() || digits.size() > 5 ||
        digits.find_first_not_of("0123456789") != std::string::npos || std::stoul(digits) > 65535) {
        return bad_key("server", "listen", "the port must be between 0 and 65535");
    }
    config.address = text.substr(0, colon);
    config.port = uint16_t(std::stoul(digits));
    return {};
}

Result<void> apply_text(std::string_view section, std::string_view key, const toml::node& node,
                        std::string& out) {
    const auto value = node.value_exact<std::string>();
    if (!value) return bad_key(section, key, "expected a string");
    out = *value;
    return {};
}

Result<void> apply_flag(std::string_view section, std::string_view key, const toml::node& node,
                        bool& out) {
    const auto value = node.value_exact<bool>();
    if (!value) return bad_key(section, key, "expected true or false");
    out = *value;
    return {};
}

Result<void> apply_log(std::string_view key, std::string_view text, Config& config) {
    if (key == "log_format") {
        if (text != "json" && text != "text")
            return bad_key("server", key, "expected \"json\" or \"text\"");
        config.log_format = text == "json" ? LogFormat::kJson : LogFormat::kText;
        return {};
    }
    if (text == "debug") config.log_level = LogLevel::kDebug;
    else if (text == "info") config.log_level = LogLevel::kInfo;
    else if (text == "warning") config.log_level = LogLevel::kWarning;
    else if (text == "error") config.log_level = LogLevel::kError;
    else return bad_key("server", key, "expected \"debug\", \"info\", \"warning\" or \"error\"");
    return {};
}

Result<void> apply_open_map_runs(const toml::node& node, Config& config) {
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < 1 || *value > 1'000'000)
        return bad_key("aws", "open_map_runs", "expected an integer between 1 and 1000000");
    config.open_map_runs = size_t(*value);
    return {};
}

Result<void> apply_server(std::string_view key, const toml::node& node, Config& config) {
    if (key == "network_threads") {
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < 1 || *value > 256)
            return bad_key("server", key, "expected an integer between 1 and 256");
        config.network_threads = size_t(*value);
        return {};
    }
    if (key == "grpc_port") {
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < 0 || *value > 65535)
            return bad_key("server", key, "expected an integer between 0 and 65535");
        config.grpc_port = uint16_t(*value);
        return {};
    }
    std::string text;
    if (auto ok = apply_text("server", key, node, text); !ok) return ok;
    if (key == "listen") return apply_listen(text, config);
    if (key == "data") config.data = text;
    else if (key == "tls_certificate") config.tls_certificate = text;
    else if (key == "tls_key") config.tls_key = text;
    else if (key == "log_level" || key == "log_format") return apply_log(key, text, config);
    else return bad_key("server", key, "no such setting");
    return {};
}

Result<void> apply_bucket(std::string_view name, const toml::table& table, Config& config) {
    const std::string section = "buckets." + std::string(name);
    BucketConfig bucket;
    for (const auto& [key, node] : table) {
        std::string text;
        if (auto ok = apply_text(section, key.str(), node, text); !ok) return ok;
        if (key == "path") bucket.path = text;
        else if (key == "endpoint") bucket.endpoint = text;
        else if (key == "bucket") bucket.bucket = text;
        else if (key == "region") bucket.region = text;
        else if (key == "access_key") bucket.access_key = text;
        else if (key == "secret_key") bucket.secret_key = text;
        else if (key == "credentials") bucket.credentials = text;
        else if (key == "ca_file") bucket.ca_file = text;
        else return bad_key(section, key.str(), "no such setting");
    }
    if (bucket.path.empty() == bucket.endpoint.empty())
        return bad_key(section, "path", "expected either a path or an endpoint");
    if (bucket.access_key.empty() != bucket.secret_key.empty())
        return bad_key(section, "access_key", "access_key and secret_key belong together");
    if (!bucket.access_key.empty() && !bucket.credentials.empty())
        return bad_key(section, "credentials", "expected either a file or the keys");
    config.buckets.insert_or_assign(std::string(name), std::move(bucket));
    return {};
}

Result<void> apply_buckets(std::string_view key, const toml::node& node, Config& config) {
    if (const toml::table* table = node.as_table()) return apply_bucket(key, *table, config);
    if (key != "directory") return bad_key("buckets", key, "no such setting");
    std::string text;
    if (auto ok = apply_text("buckets", key, node, text); !ok) return ok;
    if (text.empty()) return bad_key("buckets", key, "expected a directory");
    config.buckets_directory = text;
    return {};
}

Result<void> apply_payloads(std::string_view key, const toml::node& node, Config& config) {
    if (key == "bucket") {
        if (auto ok = apply_text("payloads", key, node, config.payload_bucket); !ok) return ok;
        if (!config.payload_bucket.empty() && !is_bucket_name(config.payload_bucket))
            return bad_key("payloads", key, "expected the name of a bucket");
        return {};
    }
    if (key != "inline_bytes") return bad_key("payloads", key, "no such setting");
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < kInlineBytesMin || *value > kInlineBytesMax) {
        return bad_key("payloads", key,
                       "expected an integer between " + std::to_string(kInlineBytesMin) + " and " +
                           std::to_string(kInlineBytesMax) + " bytes");
    }
    config.payload_inline_bytes = size_t(*value);
    return {};
}

Result<void> apply_slurm(std::string_view key, const toml::node& node, Config& config) {
    SlurmConfig& to = config.slurm;
    const std::pair<std::string_view, std::filesystem::path*> paths[] = {
        {"directory", &to.directory},
        {"commands", &to.commands},
        {"configuration", &to.configuration},
        {"jwt_key", &to.jwt_key},
        {"token", &to.token},
        {"program", &to.program}};
    const std::pair<std::string_view, std::string*> texts[] = {
        {"interface", &to.interface},
        {"url", &to.url},
        {"user", &to.user},
        {"api_version", &to.api_version},
        {"ca_file", &to.ca_file},
        {"callback_url", &to.callback_url},
        {"agent_ca_file", &to.agent_ca_file}};
    const std::tuple<std::string_view, int64_t*, int64_t, int64_t> numbers[] = {
        {"poll_ms", &to.poll_ms, 100, 600'000}, {"lost_ms", &to.lost_ms, 1'000, 3'600'000}};
    for (const auto& [name, out] : paths) {
        if (key != name) continue;
        std::string text;
        if (auto ok = apply_text("slurm", key, node, text); !ok) return ok;
        *out = text;
        return {};
    }
    for (const auto& [name, out] : texts) {
        if (key == name) return apply_text("slurm", key, node, *out);
    }
    for (const auto& [name, out, least, most] : numbers) {
        if (key != name) continue;
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < least || *value > most)
            return bad_key("slurm", key,
                           "expected an integer between " + std::to_string(least) + " and " +
                               std::to_string(most) + " ms");
        *out = *value;
        return {};
    }
    return bad_key("slurm", key, "no such setting");
}

Result<void> apply_agents(std::string_view key, const toml::node& node, Config& config) {
    AgentsConfig& to = config.agents;
    const std::tuple<std::string_view, int64_t*, int64_t, int64_t> numbers[] = {
        {"heartbeat_ms", &to.heartbeat_ms, 50, 600'000},
        {"resume_ms", &to.resume_ms, 0, 3'600'000},
        {"queued_calls", &to.queued_calls, 1, 100'000'000}};
    for (const auto& [name, out, least, most] : numbers) {
        if (key != name) continue;
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < least || *value > most)
            return bad_key("agents", key,
                           "expected an integer between " + std::to_string(least) + " and " +
                               std::to_string(most));
        *out = *value;
        return {};
    }
    return bad_key("agents", key, "no such setting");
}

Result<void> apply_pairs(std::string_view section, std::string_view key, const toml::node& node,
                         http::Pairs& out) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return bad_key(section, key, "expected a table of strings");
    for (const auto& [name, value] : *table) {
        std::string text;
        if (auto ok = apply_text(section, name.str(), value, text); !ok) return ok;
        out.emplace_back(std::string(name.str()), std::move(text));
    }
    return {};
}

/// What a kind of authorization asks for: the settings of its name, its secret and its endpoint.
struct AuthorizationRow {
    const char* authorization;
    http::Authorization kind;
    const char* name;
    const char* secret;
    const char* endpoint;
};

const AuthorizationRow kAuthorizations[] = {
    {"NONE", http::Authorization::kNone, "", "", ""},
    {"BASIC", http::Authorization::kBasic, "username", "password", ""},
    {"API_KEY", http::Authorization::kApiKey, "api_key_name", "api_key_value", ""},
    {"OAUTH_CLIENT_CREDENTIALS", http::Authorization::kOAuthClientCredentials, "client_id",
     "client_secret", "authorization_endpoint"},
};

Result<void> apply_authorization(const std::string& section, const toml::table& table,
                                 http::Connection& connection) {
    std::string wanted;
    if (const toml::node* node = table.get("authorization")) {
        if (auto ok = apply_text(section, "authorization", *node, wanted); !ok) return ok;
    }
    for (const AuthorizationRow& row : kAuthorizations) {
        if (wanted != row.authorization) continue;
        connection.authorization = row.kind;
        for (const auto& [key, out] :
             {std::pair(row.name, &connection.name), std::pair(row.secret, &connection.secret),
              std::pair(row.endpoint, &connection.endpoint)}) {
            if (*key == 0) continue;
            const toml::node* node = table.get(key);
            if (node == nullptr) return bad_key(section, key, "is needed with " + wanted);
            if (auto ok = apply_text(section, key, *node, *out); !ok) return ok;
        }
        return {};
    }
    return bad_key(section, "authorization",
                   "expected \"BASIC\", \"API_KEY\", \"OAUTH_CLIENT_CREDENTIALS\" or \"NONE\"");
}

bool is_of_authorization(std::string_view key, http::Authorization kind) {
    if (key == "authorization") return true;
    for (const AuthorizationRow& row : kAuthorizations) {
        if (row.kind == kind) return key == row.name || key == row.secret || key == row.endpoint;
    }
    return false;
}

Result<void> apply_connection(std::string_view key, const toml::node& node, Config& config) {
    const std::string section = "connections." + std::string(key);
    const toml::table* table = node.as_table();
    if (table == nullptr) return bad_key("connections", key, "expected a section");
    http::Connection connection;
    if (auto ok = apply_authorization(section, *table, connection); !ok) return ok;
    for (const auto& [name, value] : *table) {
        if (is_of_authorization(name.str(), connection.authorization)) continue;
        Result<void> ok;
        if (name == "headers") ok = apply_pairs(section, "headers", value, connection.headers);
        else if (name == "query") ok = apply_pairs(section, "query", value, connection.query);
        else if (name == "body") ok = apply_pairs(section, "body", value, connection.body);
        else if (name == "ca_file") ok = apply_text(section, "ca_file", value, connection.ca_file);
        else if (name == "allow_http")
            ok = apply_flag(section, "allow_http", value, connection.allows_http);
        else ok = bad_key(section, name.str(), "no such setting");
        if (!ok) return ok;
    }
    const bool is_safe = connection.endpoint.starts_with("https://") ||
                         (connection.allows_http && connection.endpoint.starts_with("http://"));
    if (!connection.endpoint.empty() && !is_safe)
        return bad_key(section, "authorization_endpoint", "expected an https:// address");
    config.connections.insert_or_assign(std::string(key), std::move(connection));
    return {};
}

Result<void> apply_key(std::string_view section, std::string_view key, const toml::node& node,
                       Config& config) {
    if (section == "limits") return apply_limit(key, node, config.limits);
    if (section == "server") return apply_server(key, node, config);
    if (section == "buckets") return apply_buckets(key, node, config);
    if (section == "payloads") return apply_payloads(key, node, config);
    if (section == "slurm") return apply_slurm(key, node, config);
    if (section == "agents") return apply_agents(key, node, config);
    if (section == "pools") return apply_pool(key, node, config);
    if (section == "job_definitions") return apply_job_definition(key, node, config);
    if (section == "projects") return apply_project(key, node, config);
    if (section == "connections") return apply_connection(key, node, config);
    if (section == "aws") {
        if (key == "region") return apply_text(section, key, node, config.region);
        if (key == "account") return apply_text(section, key, node, config.account);
        if (key == "mock_config") return apply_text(section, key, node, config.mock_config);
        if (key == "open_map_runs") return apply_open_map_runs(node, config);
        if (key == "auth") return apply_flag(section, key, node, config.auth);
    }
    if (section == "functions" && key == "isolate")
        return apply_flag(section, key, node, config.isolate);
    return bad_key(section, key, "no such setting");
}

}  // namespace

Result<void> apply_toml(std::string_view text, Config& config) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        std::ostringstream where;
        where << parsed.error().source().begin;
        return fail(ErrorCode::kInvalidArgument,
                    std::string(parsed.error().description()) + " (" + where.str() + ")");
    }
    for (const auto& [section, node] : parsed.table()) {
        const toml::table* table = node.as_table();
        if (table == nullptr) return bad_key("", section.str(), "settings belong into a section");
        for (const auto& [key, value] : *table) {
            if (auto ok = apply_key(section.str(), key.str(), value, config); !ok) return ok;
        }
    }
    return {};
}

Result<void> apply_file(const std::filesystem::path& file, Config& config) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::kIo, "cannot read " + file.string());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto applied = apply_toml(text, config);
    if (!applied) return fail(applied.error().code, file.string() + ": " + applied.error().message);
    return {};
}

bool is_loopback(std::string_view address) {
    return address == "localhost" || address == "::1" || address.substr(0, 4) == "127.";
}

Result<void> check_config(const Config& config) {
    if (!config.auth && !is_loopback(config.address)) {
        return fail(
            ErrorCode::kInvalidArgument,
            "without authentication the server listens on loopback only, not on " + config.address);
    }
    if (config.tls_certificate.empty() != config.tls_key.empty()) {
        return fail(ErrorCode::kInvalidArgument, "tls_certificate and tls_key belong together");
    }
    if (config.account.size() != 12 ||
        config.account.find_first_not_of("0123456789") != std::string::npos) {
        return fail(ErrorCode::kInvalidArgument, "[aws] account: expected 12 digits");
    }
    if (config.region.empty() ||
        config.region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
            std::string::npos) {
        return fail(ErrorCode::kInvalidArgument, "[aws] region: expected a name such as us-east-1");
    }
    const SlurmConfig& slurm = config.slurm;
    if (slurm.interface != "commands" && slurm.interface != "rest")
        return bad_key("slurm", "interface", "expected \"commands\" or \"rest\"");
    if (!slurm.directory.empty() && !slurm.directory.is_absolute())
        return bad_key("slurm", "directory", "expected an absolute path, the same on all nodes");
    if (slurm.interface == "rest" && slurm.url.empty())
        return bad_key("slurm", "url", "is needed with interface \"rest\"");
    if (slurm.interface == "rest" && slurm.jwt_key.empty() == slurm.token.empty())
        return bad_key("slurm", "jwt_key", "expected either a jwt_key or a token");
    if (!config.pools.empty() && slurm.directory.empty())
        return bad_key("pools", config.pools[0].name, "needs a cluster: [slurm] directory");
    return check_jobs(config);
}

std::string describe_limits() {
    const Limits defaults;
    std::string out;
    for (const LimitRow& row : kLimitRows) {
        const auto value =
            std::visit([&](auto member) { return int64_t(defaults.*member); }, row.member);
        out += std::string(row.name) + " = " + std::to_string(value) + "   # " + row.unit + ", " +
               std::to_string(row.min) + " .. " + std::to_string(row.max) + "\n";
    }
    return out;
}

}  // namespace tandem
