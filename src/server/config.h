// Config: everything an operator can set, from a TOML file, then overridden by `tandem serve`
// options. Every limit of base/limits.h is a key of [limits] under the same name. Unknown keys are
// errors: a misspelt limit must not be ignored. Plain data; read once before any thread starts.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"
#include "exec/http/connection.h"
#include "exec/pilots/plan.h"
#include "exec/slurm/projects.h"
#include "json/value.h"

namespace tandem {

/// [buckets.NAME]: a directory, or a bucket of an S3 endpoint.
struct BucketConfig {
    std::filesystem::path path;
    std::string endpoint;    // "http[s]://host[:port]"
    std::string bucket;      // its name there; default: NAME
    std::string region;      // default: the server's
    std::string access_key;  // with secret_key; or both in a file:
    std::string secret_key;
    std::filesystem::path credentials;  // of the form of an AWS credentials file
    std::string ca_file;                // further trusted certificates (PEM)
};

/// [slurm]: without a directory there is no Slurm.
struct SlurmConfig {
    std::filesystem::path directory;      // of jobs, shared with the nodes
    std::string interface = "commands";   // or "rest"
    std::filesystem::path commands;       // directory of sbatch, squeue, scancel; default: PATH
    std::filesystem::path configuration;  // slurm.conf; default: where the commands look
    std::string url;                      // of slurmrestd
    std::string user;                     // as whom it is asked
    std::filesystem::path jwt_key;        // the cluster's, or
    std::filesystem::path token;          // a file with a token
    std::string api_version;              // "v0.0.38"; default: the newest that both speak
    std::string ca_file;
    std::string callback_url;       // of this server, as nodes reach it; default: as it listens
    std::filesystem::path program;  // tandem, as nodes find it; default: this one's path
    std::string agent_ca_file;      // with which agents of pilots trust this server
    int64_t poll_ms = 2'000;        // 100 .. 600,000
    int64_t lost_ms = 20'000;       // 1,000 .. 3,600,000
};

/// [agents]
struct AgentsConfig {
    int64_t heartbeat_ms = 2'000;    // 50 .. 600,000
    int64_t resume_ms = 10'000;      // 0 .. 3,600,000
    int64_t queued_calls = 100'000;  // of a pool; 1 .. 100,000,000
};

struct Config {
    // [server]
    std::string address = "127.0.0.1";
    uint16_t port = 8470;
    uint16_t grpc_port = 4001;  // at the same address
    std::filesystem::path data = "tandem-data";
    std::string tls_certificate;
    std::string tls_key;
    size_t network_threads = 2;
    LogLevel log_level = LogLevel::kInfo;
    LogFormat log_format = LogFormat::kJson;
    // [aws]
    std::string region = "us-east-1";
    std::string account = "123456789012";
    bool auth = true;
    size_t open_map_runs = 1'000;  // at work at a time; 1 .. 1,000,000
    std::string mock_config;       // Step Functions Local's file; default: SFN_MOCK_CONFIG
    // [functions]
    bool isolate = true;
    // [buckets]
    std::filesystem::path buckets_directory = "buckets";  // holds the others; below `data`
    std::map<std::string, BucketConfig, std::less<>> buckets;
    // [payloads]
    std::string payload_bucket;               // empty: payloads are kept in the store
    size_t payload_inline_bytes = 64 * 1024;  // above, a payload is an object
    // [slurm]
    SlurmConfig slurm;
    // [pools.NAME]
    std::vector<pilots::Pool> pools;
    // [agents]
    AgentsConfig agents;
    // [job_definitions.NAME], [projects.NAME]: of jobs; see exec/slurm
    std::map<std::string, json::Value, std::less<>> job_definitions;
    slurm::Projects projects;
    // [connections.NAME]
    http::Connections connections;
    // [limits]
    Limits limits;
    // Only on the command line.
    std::string ready_file;
};

/// Reads a TOML document into `config`. Error: kInvalidArgument naming the key and what is
/// expected.
Result<void> apply_toml(std::string_view text, Config& config);
Result<void> apply_file(const std::filesystem::path& file, Config& config);

/// Rules that hold between settings (no_auth only on loopback, key with certificate, ranges).
Result<void> check_config(const Config& config);

bool is_loopback(std::string_view address);

/// One line of documentation for each limit: "name = default   # unit, range".
std::string describe_limits();

}  // namespace tandem
