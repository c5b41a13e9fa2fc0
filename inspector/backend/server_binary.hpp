#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "attach/elf_image.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

// server_version_num of a version as PG_BACKEND_VERSIONSTR writes it, "postgres (PostgreSQL) 15.18
// (Debian …)": 150018; "9.4.26" is 90426, "19rc1" and "19devel" are 190000. None where it is no
// version.
[[nodiscard]] std::optional<int> server_version_num_from(std::string_view text);

// The file that a PostgreSQL server runs: its version, read from its constants and never from a
// path, and its symbols, which also stripped builds export for extensions.
class ServerBinary {
  public:
    // kGone ("is no PostgreSQL process") where the file is not PostgreSQL's server.
    [[nodiscard]] static Result<ServerBinary> open(FileDescriptor executable);

    // The executable of process `pid`, from a cache of the files opened before.
    [[nodiscard]] static Result<std::shared_ptr<const ServerBinary>> of_process(int pid);

    [[nodiscard]] int version_num() const noexcept { return version_num_; }

    [[nodiscard]] const ElfImage& image() const noexcept { return image_; }

  private:
    ServerBinary(ElfImage image, int version_num)
        : image_(std::move(image)), version_num_(version_num) {}

    ElfImage image_;
    int version_num_;
};

}  // namespace palloscope
