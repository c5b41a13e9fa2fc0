#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"
#include "inspector/experiment/service_account.hpp"

namespace palloscope {

// A new file of mode 0600 with this text, of `account` where one is given.
[[nodiscard]] Result<> write_text_file(const std::filesystem::path& path,
                                       std::string_view text,
                                       const std::optional<Account>& account);

// A new, empty file of mode 0600 to write into.
[[nodiscard]] Result<FileDescriptor> create_file(const std::filesystem::path& path);

// Its last 64 kB; empty where it cannot be read.
[[nodiscard]] std::string end_of_file(const std::filesystem::path& path);

// The last line with any text in it, at most 300 bytes of it. A carriage return ends a line as
// well.
[[nodiscard]] std::string last_line(std::string_view text);

}  // namespace palloscope
