// What a directory bucket and its listing share. Private to this room.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "store/blob/object_store.h"

namespace tandem {

constexpr std::string_view kUploadsDirectory = ".tandem-uploads";  // unfinished objects; no key

ObjectInfo info_of(std::string key, const struct stat& info);

/// Keys below `root` in the order of their bytes. Reads only directories that can hold some, each
/// whole.
Result<ListPage> list_directory(const std::filesystem::path& root, const ListRequest& request);

}  // namespace tandem
