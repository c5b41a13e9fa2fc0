#include "inspector/statements/form.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/statements/family.hpp"
#include "inspector/statements/leading_keywords.hpp"
#include "inspector/statements/token.hpp"

namespace palloscope {

namespace {

using Tokens = std::span<const Token>;

// Nested parentheses deeper than this are no list of constants to us; it bounds the recursion.
constexpr int kMaxListDepth = 8;

bool is_word(const Token& token, std::string_view lower_case) {
    return token.kind == TokenKind::kKeyword &&
           std::ranges::equal(token.text, lower_case, [](unsigned char a, unsigned char b) {
               return std::tolower(a) == b;
           });
}

bool is_symbol(Tokens tokens, std::size_t at, std::string_view symbol) {
    return at < tokens.size() && tokens[at].kind == TokenKind::kOther && tokens[at].text == symbol;
}

bool is_type_word(Tokens tokens, std::size_t at) {
    return at < tokens.size() &&
           (tokens[at].kind == TokenKind::kIdentifier || tokens[at].kind == TokenKind::kKeyword);
}

// `::name`, `::schema.name`, `::double precision`, `::name[]`; gives the index behind the casts, or
// `at` where there is none.
std::size_t skip_casts(Tokens tokens, std::size_t at) {
    while (is_symbol(tokens, at, "::")) {
        ++at;
        while (is_type_word(tokens, at) || is_symbol(tokens, at, ".")) {
            ++at;
        }
        while (is_symbol(tokens, at, "[") && is_symbol(tokens, at + 1, "]")) {
            at += 2;
        }
    }
    return at;
}

std::optional<std::size_t> skip_constant(Tokens tokens, std::size_t at, int depth);

// `(constant, constant, …)` or the same in brackets; gives the index behind it.
std::optional<std::size_t> skip_row(Tokens tokens, std::size_t at, int depth) {
    const std::string_view close = tokens[at].text == "(" ? ")" : "]";
    std::optional<std::size_t> behind = skip_constant(tokens, at + 1, depth + 1);
    while (behind && is_symbol(tokens, *behind, ",")) {
        behind = skip_constant(tokens, *behind + 1, depth + 1);
    }
    if (!behind || !is_symbol(tokens, *behind, close)) {
        return std::nullopt;
    }
    return *behind + 1;
}

// One constant: a literal or parameter with sign and casts, NULL and its like, or a row of
// constants. Gives the index behind it, none where something else stands at `at`.
std::optional<std::size_t> skip_constant(Tokens tokens, std::size_t at, int depth) {
    if (is_symbol(tokens, at, "-") || is_symbol(tokens, at, "+")) {
        ++at;
    }
    if (at >= tokens.size()) {
        return std::nullopt;
    }
    if (is_symbol(tokens, at, "(") || is_symbol(tokens, at, "[")) {
        return depth < kMaxListDepth ? skip_row(tokens, at, depth) : std::nullopt;
    }
    const Token& token = tokens[at];
    const bool constant = token.kind == TokenKind::kLiteral ||
                          token.kind == TokenKind::kParameter || is_word(token, "null") ||
                          is_word(token, "true") || is_word(token, "false") ||
                          is_word(token, "default");
    return constant ? std::optional(skip_casts(tokens, at + 1)) : std::nullopt;
}

// A list that the form shows by its first constant.
struct FoldedList {
    std::size_t first_end;  // behind the first constant
    std::size_t end;        // behind the last one
};

// The list of constants, of two or more, that starts at `at`.
std::optional<FoldedList> constants_from(Tokens tokens, std::size_t at) {
    std::optional<std::size_t> behind = skip_constant(tokens, at, 0);
    if (!behind) {
        return std::nullopt;
    }
    FoldedList list{.first_end = *behind, .end = *behind};
    while (behind && is_symbol(tokens, *behind, ",")) {
        behind = skip_constant(tokens, *behind + 1, 0);
        if (behind) {
            list.end = *behind;
        }
    }
    if (!behind || list.end == list.first_end) {
        return std::nullopt;
    }
    return list;
}

// The list to fold that begins with token `at`, seen from the tokens before it.
std::optional<FoldedList> list_at(Tokens tokens, std::size_t at) {
    if (at >= 1 && is_symbol(tokens, at, "(") && is_word(tokens[at - 1], "values")) {
        return constants_from(tokens, at);
    }
    const bool in_list = at >= 2 && is_symbol(tokens, at - 1, "(") && is_word(tokens[at - 2], "in");
    const bool array =
        at >= 2 && is_symbol(tokens, at - 1, "[") && is_word(tokens[at - 2], "array");
    if (!in_list && !array) {
        return std::nullopt;
    }
    std::optional<FoldedList> list = constants_from(tokens, at);
    if (list && !is_symbol(tokens, list->end, in_list ? ")" : "]")) {
        list.reset();
    }
    return list;
}

bool continues_a_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80U;
}

// Puts form and family together, piece by piece.
class FormWriter {
  public:
    void add(const Token& token) {
        const bool placeholder =
            token.kind == TokenKind::kLiteral || token.kind == TokenKind::kParameter;
        const std::string text =
            placeholder ? fmt::format("${}", ++placeholders_) : std::string(token.text);
        const bool would_join = (placeholder || after_placeholder_) && !form_.text.empty() &&
                                continues_a_word(form_.text.back()) &&
                                continues_a_word(text.front());
        if (!form_.text.empty() && (token.space_before || would_join)) {
            form_.text += ' ';
            form_.family += ' ';
        }
        form_.text += text;
        form_.family += token.kind == TokenKind::kIdentifier ? identifier_family(text) : text;
        after_placeholder_ = placeholder;
    }

    void add_rest_of_list() {
        form_.text += ", ...";
        form_.family += ", ...";
        after_placeholder_ = false;
    }

    StatementForm finish() && { return std::move(form_); }

  private:
    StatementForm form_;
    std::size_t placeholders_ = 0;
    bool after_placeholder_ = false;
};

StatementForm form_of(Tokens tokens) {
    while (!tokens.empty() && is_symbol(tokens, tokens.size() - 1, ";")) {
        tokens = tokens.first(tokens.size() - 1);
    }
    FormWriter writer;
    for (std::size_t at = 0; at < tokens.size();) {
        const std::optional<FoldedList> list = list_at(tokens, at);
        const std::size_t shown_end = list ? list->first_end : at + 1;
        for (; at < shown_end; ++at) {
            writer.add(tokens[at]);
        }
        if (list) {
            writer.add_rest_of_list();
            at = list->end;
        }
    }
    return std::move(writer).finish();
}

}  // namespace

StatementForm statement_form(std::string_view sql) {
    const std::optional<std::vector<Token>> tokens = scan_tokens(sql);
    StatementForm form;
    if (tokens) {
        form = form_of(*tokens);
    } else {
        form.text = leading_keywords(sql);
        form.family = form.text;
    }
    form.fingerprint = fmt::format("{:016x}", XXH3_64bits(form.text.data(), form.text.size()));
    return form;
}

}  // namespace palloscope
