#include "inspector/recording/recording_place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "inspector/statements/io_error.hpp"

namespace palloscope {

namespace {

// SQLite's own files beside the recording.
constexpr std::array<const char*, 3> kCompanions{"-wal", "-shm", "-journal"};

tl::unexpected<Error> exists_already(const std::string& path) {
    return failure(Error::Kind::kUsage,
                   fmt::format("{} exists already", path),
                   "choose another name, or give --force to replace it");
}

}  // namespace

Result<> require_new_recording(const std::string& path) {
    return access(path.c_str(), F_OK) == 0 ? exists_already(path) : Result<>();
}

Result<> make_recording_file(const std::string& path, ExistingFile existing) {
    if (existing == ExistingFile::kReplace) {
        struct stat status {};

        if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
            return failure(Error::Kind::kUsage,
                           fmt::format("cannot replace {}: it is no regular file", path));
        }
        if (unlink(path.c_str()) != 0 && errno != ENOENT) {
            return io_error(errno, fmt::format("cannot replace {}", path));
        }
    }
    const int file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) {
        const int err = errno;
        if (err == EEXIST) {
            return exists_already(path);
        }
        return io_error(err, fmt::format("cannot create the recording {}", path));
    }
    close(file);
    // Left over from a recording of this name that was killed and then removed.
    for (const char* const companion : kCompanions) {
        unlink((path + companion).c_str());
    }
    return {};
}

}  // namespace palloscope
