#pragma once

#include <filesystem>
#include <string>

#include "attach/error.hpp"

namespace palloscope {

// The folder that holds `postgres` and `initdb`: `wanted`, where it is not empty; else the one of
// the `postgres` in PATH, else the newest below /usr/lib/postgresql (Debian) or /usr (pgsql-15/bin,
// the PGDG's RPMs). kFailed where there is none.
[[nodiscard]] Result<std::filesystem::path> find_server_programs(const std::string& wanted);

// A program by its name in PATH or in the folders for the administrator's; empty where there is
// none.
[[nodiscard]] std::filesystem::path find_program(const std::string& name);

}  // namespace palloscope
