// Objects on their way up: in one request, or in parts. Private to this room.
#pragma once

#include <memory>
#include <string>

#include "store/s3/s3_client.h"

namespace tandem::s3 {

Result<ObjectInfo> put_object(Client& client, std::string key, std::string bytes,
                              const PutOptions& options);

/// Holds one part. What is dropped before finish() is aborted, so that nobody pays for its parts.
std::unique_ptr<ObjectWriter> make_writer(std::shared_ptr<Client> client, std::string key,
                                          PutOptions options);

/// What the headers of an answer say of an object; where there is no Last-Modified, as after a put,
/// it is of the answer's Date.
ObjectInfo info_of(std::string key, uint64_t size, const net::HttpResponse& answer);

/// "Wed, 25 Nov 2026 10:00:00 GMT". Error: kInvalidArgument.
Result<Timestamp> parse_http_date(std::string_view text);

}  // namespace tandem::s3
