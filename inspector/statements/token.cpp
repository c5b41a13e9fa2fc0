#include "inspector/statements/token.hpp"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cstdint>
#include <memory>
#include <string>

namespace palloscope {

namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r\f\v";

// Owns what pg_query_scan returns.
class ScanResult {
  public:
    explicit ScanResult(const std::string& sql) : raw_(pg_query_scan(sql.c_str())) {
        if (raw_.error == nullptr) {
            // protobuf-c takes its bytes as unsigned ones.
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(raw_.pbuf.data);
            unpacked_.reset(pg_query__scan_result__unpack(nullptr, raw_.pbuf.len, bytes));
        }
    }

    ScanResult(const ScanResult&) = delete;
    ScanResult(ScanResult&&) = delete;
    ScanResult& operator=(const ScanResult&) = delete;
    ScanResult& operator=(ScanResult&&) = delete;

    ~ScanResult() { pg_query_free_scan_result(raw_); }

    // None where the scanner refused the text. Its message quotes the text, so it goes nowhere.
    [[nodiscard]] const PgQuery__ScanResult* get() const { return unpacked_.get(); }

  private:
    struct Free {
        void operator()(PgQuery__ScanResult* result) const {
            pg_query__scan_result__free_unpacked(result, nullptr);
        }
    };

    PgQueryScanResult raw_;
    std::unique_ptr<PgQuery__ScanResult, Free> unpacked_;
};

bool is_comment(const PgQuery__ScanToken& token) {
    return token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT;
}

TokenKind kind_of(const PgQuery__ScanToken& token) {
    switch (token.token) {
        case PG_QUERY__TOKEN__SCONST:
        case PG_QUERY__TOKEN__USCONST:
        case PG_QUERY__TOKEN__BCONST:
        case PG_QUERY__TOKEN__XCONST:
        case PG_QUERY__TOKEN__ICONST:
        case PG_QUERY__TOKEN__FCONST:
            return TokenKind::kLiteral;
        case PG_QUERY__TOKEN__PARAM:
            return TokenKind::kParameter;
        case PG_QUERY__TOKEN__IDENT:
        case PG_QUERY__TOKEN__UIDENT:
            return TokenKind::kIdentifier;
        default:
            return token.keyword_kind == PG_QUERY__KEYWORD_KIND__NO_KEYWORD ? TokenKind::kOther
                                                                            : TokenKind::kKeyword;
    }
}

std::string_view trim_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(kWhiteSpace) + 1);
}

// With standard_conforming_strings off, which the text does not tell, a backslash before a quote
// carries a plain string on, and all quotes after it would be taken the wrong way round. E'…' means
// the same under both settings, and dollar quotes have no escapes.
bool ends_in_doubt(std::string_view literal) {
    const bool plain = literal.front() == '\'' || literal.front() == 'U' || literal.front() == 'u';
    return plain && literal.find("\\'") != std::string_view::npos;
}

// A last line of defence: the scanner gives wrong extents for some tokens (a U&'…' ends before it
// starts, a U&"…" ends behind the U), so whatever is to be shown must not hold a quote.
bool shows_a_quote(const Token& token) {
    const bool quoted_identifier = token.kind == TokenKind::kIdentifier &&
                                   (token.text.front() == '"' || token.text.starts_with("U&\"") ||
                                    token.text.starts_with("u&\""));
    return !quoted_identifier && token.text.find('\'') != std::string_view::npos;
}

// N'…' comes as the keyword NCHAR, spelled N, and the string: one literal to us.
bool is_national_prefix(const std::vector<Token>& tokens, const Token& literal) {
    return !tokens.empty() && !literal.space_before && literal.text.front() == '\'' &&
           tokens.back().kind == TokenKind::kKeyword && tokens.back().text.size() == 1;
}

}  // namespace

std::optional<std::vector<Token>> scan_tokens(std::string_view sql) {
    if (sql.size() > kMaxStatementBytes || sql.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const ScanResult scanned{std::string(sql)};
    if (scanned.get() == nullptr) {
        return std::nullopt;
    }
    const PgQuery__ScanResult& result = *scanned.get();

    std::vector<Token> tokens;
    tokens.reserve(result.n_tokens);
    std::size_t done = 0;  // everything before is accounted for
    bool after_comment = false;
    for (std::size_t i = 0; i < result.n_tokens; ++i) {
        const PgQuery__ScanToken& scanned_token = *result.tokens[i];
        const auto start = static_cast<std::size_t>(scanned_token.start);
        const std::size_t next = i + 1 < result.n_tokens
                                     ? static_cast<std::size_t>(result.tokens[i + 1]->start)
                                     : sql.size();
        if (start < done || next <= start || next > sql.size() ||
            !trim_end(sql.substr(done, start - done)).empty()) {
            return std::nullopt;
        }
        // Extents that the scanner gives are not to be relied upon; that nothing but white space
        // stands between a token and the next one is.
        const std::string_view text = trim_end(sql.substr(start, next - start));
        const bool space_before = after_comment || start > done;
        done = start + text.size();
        after_comment = is_comment(scanned_token);
        if (after_comment) {
            continue;
        }

        Token token{.kind = kind_of(scanned_token), .text = text, .space_before = space_before};
        if (token.kind == TokenKind::kLiteral) {
            if (text.empty() || ends_in_doubt(text)) {
                return std::nullopt;
            }
            if (is_national_prefix(tokens, token)) {
                token.space_before = tokens.back().space_before;
                tokens.pop_back();
            }
        } else if (text.empty() || shows_a_quote(token)) {
            return std::nullopt;
        }
        tokens.push_back(token);
    }
    return tokens;
}

bool is_keyword(std::string_view word) {
    const std::optional<std::vector<Token>> tokens = scan_tokens(word);
    return tokens && tokens->size() == 1 && tokens->front().kind == TokenKind::kKeyword;
}

}  // namespace palloscope
