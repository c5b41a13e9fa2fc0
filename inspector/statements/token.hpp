#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace palloscope {

// What a token of SQL means to us; anything that is none of the first four is kOther.
enum class TokenKind { kLiteral, kParameter, kIdentifier, kKeyword, kOther };

// One token. `text` points into the text that was scanned and lives as long as that does.
struct Token {
    TokenKind kind = TokenKind::kOther;
    std::string_view text;
    // White space or a comment stands between this token and the one before.
    bool space_before = false;
};

// Longer texts are not tokenised: a list of a million numbers would cost gigabytes of tokens.
inline constexpr std::size_t kMaxStatementBytes = std::size_t{1} << 20U;

// The tokens of `sql` by PostgreSQL 15's own scanner, comments left out. None where no server
// setting is known under which the tokens could be trusted: a string or comment without end, a NUL
// byte, a string with a backslash before a quote (its end depends on standard_conforming_strings),
// more than kMaxStatementBytes. Thread-safe.
[[nodiscard]] std::optional<std::vector<Token>> scan_tokens(std::string_view sql);

// Whether `word` is one of PostgreSQL's keywords, reserved or not, in any case of letters.
[[nodiscard]] bool is_keyword(std::string_view word);

}  // namespace palloscope
