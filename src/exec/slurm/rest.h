// Slurm asked through slurmrestd, over HTTP with JSON Web Tokens.
#pragma once

#include <memory>
#include <string>

#include "exec/slurm/scheduler.h"

namespace tandem::slurm {

struct RestOptions {
    std::string url;      // "http[s]://host:port"
    std::string ca_file;  // further trusted certificates (PEM)
    /// For whom this server speaks; to ask after and cancel the jobs of others it takes one of
    /// Slurm's operators. Submissions for other users need `key_file`.
    std::string user;
    std::string key_file;              // the cluster's jwt_key: tokens are made here, for any user
    std::string token_file;            // or a token of `user`'s that somebody else renews
    int64_t token_seconds = 300;       // that a token made here is valid for; each is used once
    std::string api_version;           // "v0.0.38"; empty: the newest that both sides speak
    int64_t timeout_ms = 30'000;       // of one request; slurmctld's own is 10 s, and repeated
    int64_t past_timeout_ms = 10'000;  // of one to the accounting database
    size_t answer_bytes = 32 * 1024 * 1024;  // a list of all jobs is some 3 KB for each
};

/// Error: kInvalidArgument. slurmrestd need not be up yet.
Result<std::unique_ptr<Scheduler>> make_rest(RestOptions options);

}  // namespace tandem::slurm
