#pragma once

#include <string>

#include "attach/error.hpp"

namespace palloscope {

// What to do where the recording's file exists already.
enum class ExistingFile { kRefuse, kReplace };

// Fails (kUsage) where there is such a file: to be asked before long preparations.
[[nodiscard]] Result<> require_new_recording(const std::string& path);

// Makes the empty file with mode 0600 before SQLite opens it; SQLite gives the files beside it the
// same mode. Removes what a recording of this name left beside it. Fails where the file exists
// (kUsage, unless it is to be replaced), cannot be made, or is to be replaced but is no regular
// file.
[[nodiscard]] Result<> make_recording_file(const std::string& path, ExistingFile existing);

}  // namespace palloscope
