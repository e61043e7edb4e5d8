#include "server/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem {

namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

net::Credentials make_key() {
    net::Credentials key;
    key.access_key_id = "AKIA";  // the form that AWS clients expect: AKIA and 16 of base 32
    for (const unsigned char c : random_bytes(16)) key.access_key_id.push_back(kAlphabet[c & 31]);
    key.secret_access_key = base64_encode(random_bytes(30));  // 40 characters
    return key;
}

std::string trimmed(std::string_view s) {
    const size_t first = s.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string(s.substr(first, s.find_last_not_of(" \t\r") - first + 1));
}

}  // namespace

Result<void> write_private_file(const std::filesystem::path& file, std::string_view text) {
    const std::string temporary = file.string() + ".new";
    const auto io = [&] {
        return fail(ErrorCode::kIo, "cannot write " + file.string() + ": " + std::strerror(errno));
    };
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return io();
    const bool written =
        ::write(fd, text.data(), text.size()) == ssize_t(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(temporary.c_str(), file.c_str()) != 0) return io();
    return {};
}

Result<net::Credentials> read_credentials(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) return fail(ErrorCode::kNotFound, "no credentials at " + file.string());
    net::Credentials key;
    for (std::string line; std::getline(in, line);) {
        const size_t equals = line.find('=');
        if (equals == std::string::npos) continue;
        const std::string name = trimmed(std::string_view(line).substr(0, equals));
        const std::string value = trimmed(std::string_view(line).substr(equals + 1));
        if (name == "aws_access_key_id") key.access_key_id = value;
        if (name == "aws_secret_access_key") key.secret_access_key = value;
    }
    if (key.access_key_id.empty() || key.secret_access_key.empty()) {
        return fail(ErrorCode::kCorrupt, file.string() + " holds no access key");
    }
    return key;
}

Result<StoredCredentials> load_or_make_credentials(const std::filesystem::path& data_directory) {
    const std::filesystem::path file = data_directory / "credentials";
    auto existing = read_credentials(file);
    if (existing) return StoredCredentials{*existing, false};
    if (existing.error().code != ErrorCode::kNotFound)
        return tl::unexpected<Error>(existing.error());
    const net::Credentials key = make_key();
    auto written =
        write_private_file(file, "[default]\naws_access_key_id = " + key.access_key_id +
                                     "\naws_secret_access_key = " + key.secret_access_key + "\n");
    if (!written) return tl::unexpected<Error>(written.error());
    return StoredCredentials{key, true};
}

}  // namespace tandem
