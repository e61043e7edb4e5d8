// Foreign bytes as the answers of an S3 endpoint: a list, an upload or an error, or kUnavailable;
// never a crash. Numbers and keys of a list are such as requests may hold.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/s3/s3_xml.h"

namespace {

template <class T>
void expect_plain_error(const tandem::Result<T>& result) {
    if (!result && result.error().code != tandem::ErrorCode::kUnavailable) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::s3;
    const std::string_view xml(reinterpret_cast<const char*>(data), size);
    (void)read_error(xml);
    const auto list = read_list(xml);
    expect_plain_error(list);
    if (list) {
        for (const auto& object : list->objects) {
            if (object.key.empty()) std::abort();
        }
    }
    const auto upload = read_upload_id(xml);
    expect_plain_error(upload);
    if (upload && upload->empty()) std::abort();
    const auto completed = read_completed(xml);
    expect_plain_error(completed);
    (void)print_parts({plain_etag(xml), completed ? *completed : std::string()});
    return 0;
}
