// What S3 answers in XML. Pure; the texts are foreign.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/blob/object_store.h"

namespace tandem::s3 {

/// <Error>; empty where the text is none.
struct ErrorAnswer {
    std::string code;
    std::string message;
};
ErrorAnswer read_error(std::string_view xml);

/// <ListBucketResult> of ListObjectsV2 with encoding-type=url.
struct ListAnswer {
    std::vector<ObjectInfo> objects;
    std::vector<std::string> prefixes;
    std::string next_token;  // empty: this is the last page
};
/// Errors of all: kUnavailable, as it is no answer of S3.
Result<ListAnswer> read_list(std::string_view xml);

/// Upload id of <InitiateMultipartUploadResult>.
Result<std::string> read_upload_id(std::string_view xml);
/// ETag of <CompleteMultipartUploadResult>; empty where the endpoint leaves it out (Ceph 16 does).
Result<std::string> read_completed(std::string_view xml);
/// <CompleteMultipartUpload> with the parts' ETags, in order from 1.
std::string print_parts(const std::vector<std::string>& etags);

/// Without the quotation marks.
std::string plain_etag(std::string_view quoted);

}  // namespace tandem::s3
