#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "inspector/model/statement.hpp"

namespace palloscope {

// The forms of statements that come again and again, with the same numbers in them or others: a
// form costs 13 us, one that is remembered 0.5. Keeps at most 4,096 texts, none above 4 kB.
//
// Not thread-safe.
class FormCache {
  public:
    // statement_form(sql), valid until the next call.
    [[nodiscard]] const StatementForm& form_of(std::string_view sql);

  private:
    // By a text that has this form, too.
    std::unordered_map<std::string, StatementForm> forms_;
    std::string key_;
    StatementForm long_form_;
};

}  // namespace palloscope
