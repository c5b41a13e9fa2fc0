#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "attach/error.hpp"
#include "inspector/experiment/service_account.hpp"

namespace palloscope {

// A folder that only its owner can enter (and root), removed with all that is in it.
class TemporaryFolder {
  public:
    // Below TMPDIR, or /tmp. It belongs to `account`, where one is given.
    [[nodiscard]] static Result<TemporaryFolder> make(const std::optional<Account>& account);

    TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

    TemporaryFolder& operator=(TemporaryFolder&& other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();

    [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

  private:
    explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

    std::filesystem::path path_;
};

}  // namespace palloscope
