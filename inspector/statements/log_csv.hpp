#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/statements/log_entry.hpp"

namespace palloscope {

// Reads log_destination = csvlog line by line; an entry whose texts have lines of their own ends
// where its quotes do, or, where it was damaged, where the next one begins. Fields: csvlog.c
// (before PostgreSQL 15 elog.c), write_csvlog; 23 of them in 10 to 12, 24 in 13, 26 since 14, the
// ones that matter here at the same places.
class LogCsv {
  public:
    [[nodiscard]] LogLine take(std::string_view line);

    // Gives up an entry of which no more comes.
    [[nodiscard]] LogLine flush();

  private:
    std::string text_;
    std::size_t quotes_ = 0;
    std::int64_t lines_ = 0;
};

}  // namespace palloscope
