#include "inspector/backend/stats_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace palloscope {

namespace {

constexpr std::string_view kGrandTotal = "Grand total: ";
// TopMemoryContext is the root in every version (mcxt.c, MemoryContextInit).
constexpr std::string_view kRootName = "TopMemoryContext";
// Up to 10 a name may hold newlines, so lines are joined until one ends in figures. A relation's
// name has 63 bytes; a fragment longer than this is somebody else's log line.
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxLevels = 100'000;
// Stands behind an ident that was cut.
constexpr std::string_view kDots = "...";

// What this version's lines look like.
struct Dialect {
    bool has_grand_total;     // 9.6
    bool has_ident;           // 11
    bool marks_slab_in_name;  // 10: "Slab: name: figures"
    bool has_empty_blocks;    // 16: Slab's figures differ from AllocSet's
    bool has_generation;      // 11
    bool has_bump;            // 17
};

std::optional<Dialect> dialect_of(int server_version_num) {
    constexpr int kOldest = 90400;
    constexpr int kNewestUnknown = 200000;
    if (server_version_num < kOldest || server_version_num >= kNewestUnknown) {
        return std::nullopt;
    }
    return Dialect{
        .has_grand_total = server_version_num >= 90600,
        .has_ident = server_version_num >= 110000,
        .marks_slab_in_name = server_version_num >= 100000 && server_version_num < 110000,
        .has_empty_blocks = server_version_num >= 160000,
        .has_generation = server_version_num >= 110000,
        .has_bump = server_version_num >= 170000,
    };
}

// Steps through a text; each function takes what it names from the front, or nothing.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool literal(std::string_view expected) {
        if (!rest_.starts_with(expected)) {
            return false;
        }
        rest_.remove_prefix(expected.size());
        return true;
    }

    // Decimal digits, at most INT64_MAX: no sign, no blanks.
    bool number(std::int64_t& value) {
        if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
            return false;
        }
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc{}) {
            return false;
        }
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return true;
    }

    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

// The figures of a line, and what their form tells of the context's type.
struct LineFigures {
    ContextFigures figures;
    ContextType type = ContextType::kAllocSet;
    std::int64_t generation_chunks = 0;
    std::int64_t slab_empty_blocks = 0;
};

// "8192 total in 1 blocks; 7952 free (0 chunks); 240 used" and its kin. The rest of the text may
// follow.
std::optional<LineFigures> scan_figures(Scanner& scanner, const Dialect& dialect) {
    LineFigures line;
    ContextFigures& figures = line.figures;
    if (!scanner.number(figures.total_bytes) || !scanner.literal(" total in ") ||
        !scanner.number(figures.total_nblocks) || !scanner.literal(" blocks")) {
        return std::nullopt;
    }
    if (dialect.has_generation && scanner.literal(" (")) {
        line.type = ContextType::kGeneration;
        if (!scanner.number(line.generation_chunks) || !scanner.literal(" chunks)")) {
            return std::nullopt;
        }
    }
    std::int64_t number = 0;
    if (!scanner.literal("; ") || !scanner.number(number)) {
        return std::nullopt;
    }
    if (dialect.has_empty_blocks && line.type == ContextType::kAllocSet &&
        scanner.literal(" empty blocks; ")) {
        line.type = ContextType::kSlab;
        line.slab_empty_blocks = number;
        if (!scanner.number(number)) {
            return std::nullopt;
        }
    }
    figures.free_bytes = number;
    if (!scanner.literal(" free")) {
        return std::nullopt;
    }
    if (scanner.literal(" (")) {
        if (!scanner.number(figures.free_chunks) || !scanner.literal(" chunks)")) {
            return std::nullopt;
        }
    } else if (dialect.has_bump && line.type == ContextType::kAllocSet) {
        line.type = ContextType::kBump;
    } else {
        return std::nullopt;
    }
    if (!scanner.literal("; ") || !scanner.number(figures.used_bytes) ||
        !scanner.literal(" used")) {
        return std::nullopt;
    }
    return line;
}

// "Grand total: 7151608 bytes in 315 blocks; 2204328 free (197 chunks); 4947280 used"
std::optional<ContextFigures> scan_grand_total(std::string_view line) {
    Scanner scanner(line);
    ContextFigures total;
    const bool matches = scanner.literal(kGrandTotal) && scanner.number(total.total_bytes) &&
                         scanner.literal(" bytes in ") && scanner.number(total.total_nblocks) &&
                         scanner.literal(" blocks; ") && scanner.number(total.free_bytes) &&
                         scanner.literal(" free (") && scanner.number(total.free_chunks) &&
                         scanner.literal(" chunks); ") && scanner.number(total.used_bytes) &&
                         scanner.literal(" used") && scanner.rest().empty();
    return matches ? std::optional(total) : std::nullopt;
}

// "12 more child contexts containing 12288 total in 12 blocks; …", printed where a limit cut.
bool is_summary(std::string_view line, const Dialect& dialect) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    Scanner scanner(line);
    std::int64_t left_out = 0;
    return scanner.number(left_out) && scanner.literal(" more child contexts containing ") &&
           scan_figures(scanner, dialect) && scanner.rest().empty();
}

// A line, or up to 10 several joined ones, split into its parts. The views are into the text.
struct Line {
    std::string_view name;  // with the indentation before it
    std::optional<std::string_view> ident;
    LineFigures figures;
};

// From 11 the name is a constant of the server's source and the ident comes last, without newlines:
// the FIRST figures are the true ones, whatever the ident holds.
std::optional<Line> split_line_with_ident(std::string_view line, const Dialect& dialect) {
    for (std::size_t colon = line.find(": "); colon != std::string_view::npos;
         colon = line.find(": ", colon + 1)) {
        Scanner scanner(line.substr(colon + 2));
        const std::optional<LineFigures> figures = scan_figures(scanner, dialect);
        if (!figures) {
            continue;
        }
        if (scanner.rest().empty()) {
            return Line{.name = line.substr(0, colon), .figures = *figures};
        }
        if (scanner.literal(": ")) {
            return Line{
                .name = line.substr(0, colon), .ident = scanner.rest(), .figures = *figures};
        }
    }
    return std::nullopt;
}

// Up to 10 the name may be anything, but nothing follows the figures: the LAST ones are the true
// ones.
std::optional<Line> split_line_without_ident(std::string_view line, const Dialect& dialect) {
    constexpr std::string_view kAfterTotal = " total in ";
    const std::size_t after_total = line.rfind(kAfterTotal);
    if (after_total == std::string_view::npos || after_total == 0) {
        return std::nullopt;
    }
    const std::size_t before_total = line.find_last_not_of("0123456789", after_total - 1);
    if (before_total == std::string_view::npos || before_total == 0 ||
        line.substr(before_total - 1, 2) != ": ") {
        return std::nullopt;
    }
    Scanner scanner(line.substr(before_total + 1));
    const std::optional<LineFigures> figures = scan_figures(scanner, dialect);
    if (!figures || !scanner.rest().empty()) {
        return std::nullopt;
    }
    return Line{.name = line.substr(0, before_total - 1), .figures = *figures};
}

bool consistent(const ContextFigures& figures) {
    // None is negative, so the difference cannot overflow.
    return figures.total_bytes - figures.free_bytes == figures.used_bytes;
}

class Parser {
  public:
    Parser(std::string_view text, const Dialect& dialect) : text_(text), dialect_(dialect) {}

    Result<ContextTree> parse() {
        if (!text_.ends_with('\n')) {
            return torn("it does not end in a whole line");
        }
        std::optional<ContextFigures> grand_total;
        if (dialect_.has_grand_total) {
            grand_total = scan_grand_total(take_last_line());
            if (!grand_total) {
                return torn("its last line is not the Grand total");
            }
        }
        if (Result<> lines = parse_lines(); !lines) {
            return tl::unexpected(lines.error());
        }
        if (Result<> checked = check_sum(grand_total); !checked) {
            return tl::unexpected(checked.error());
        }
        return std::move(tree_);
    }

  private:
    std::string_view take_last_line() {
        const std::string_view without_newline = text_.substr(0, text_.size() - 1);
        // npos + 1 is 0: the text is a single line.
        const std::size_t begin = without_newline.rfind('\n') + 1;
        const std::string_view line = without_newline.substr(begin);
        text_ = text_.substr(0, begin);
        return line;
    }

    Result<> parse_lines() {
        std::size_t begin = 0;
        for (std::size_t at = 0; at < text_.size();) {
            const std::size_t end = text_.find('\n', at);
            ++line_number_;
            if (is_summary(text_.substr(at, end - at), dialect_)) {
                return torn_line("contexts are left out: it was printed with a limit of children");
            }
            Result<bool> complete = parse_line(begin, end);
            if (!complete) {
                return tl::unexpected(complete.error());
            }
            at = end + 1;
            if (*complete) {
                begin = at;
            }
        }
        if (begin != text_.size()) {
            return torn("the last context has no figures");
        }
        return {};
    }

    // True if the bytes from `begin` to `end` are a whole context, false if its name goes on in the
    // next line.
    Result<bool> parse_line(std::size_t begin, std::size_t end) {
        const std::string_view bytes = text_.substr(begin, end - begin);
        const std::optional<Line> line = dialect_.has_ident
                                             ? split_line_with_ident(bytes, dialect_)
                                             : split_line_without_ident(bytes, dialect_);
        if (line) {
            Result<> added = add(*line, begin);
            return added ? Result<bool>(true) : tl::unexpected(added.error());
        }
        if (dialect_.has_ident || bytes.size() > kMaxNameBytes) {
            return torn_line("this is no line of MemoryContextStats");
        }
        return false;
    }

    Result<> add(Line line, std::size_t begin) {
        if (!dialect_.has_ident && !line.name.starts_with(' ') && !tree_.contexts.empty()) {
            // A second root cannot be: up to 10 this line is the rest of a name that holds a
            // newline behind something that looks like figures.
            return merge_with_last(line, begin);
        }
        if (!consistent(line.figures.figures)) {
            return torn_line("its figures do not add up");
        }
        const Result<std::size_t> depth = take_indentation(line.name);
        if (!depth) {
            return tl::unexpected(depth.error());
        }
        ancestors_.resize(*depth);
        MemoryContext context{
            .name = std::string(line.name),
            .ident = line.ident ? std::optional<std::string>(*line.ident) : std::nullopt,
            .type = line.figures.type,
            .parent = ancestors_.empty() ? std::nullopt : std::optional(ancestors_.back()),
            .level = static_cast<int>(*depth) + 1,
            .figures = line.figures.figures,
            .generation_chunks = line.figures.generation_chunks,
            .slab_empty_blocks = line.figures.slab_empty_blocks,
        };
        recognise_slab(context);
        ancestors_.push_back(tree_.contexts.size());
        tree_.contexts.push_back(std::move(context));
        last_begin_ = begin;
        return {};
    }

    Result<> merge_with_last(const Line& line, std::size_t begin) {
        const std::size_t end = begin + line.name.size();
        if (tree_.contexts.size() == 1 || end - last_begin_ > kMaxNameBytes) {
            return torn_line("there is a second root");
        }
        tree_.contexts.pop_back();
        ancestors_.pop_back();
        return add(
            Line{.name = text_.substr(last_begin_, end - last_begin_), .figures = line.figures},
            last_begin_);
    }

    // Takes the indentation from the front of `name` and returns the depth: 0 for the root.
    Result<std::size_t> take_indentation(std::string_view& name) const {
        const std::size_t blanks = std::min(name.find_first_not_of(' '), name.size());
        std::size_t depth = blanks / 2;
        if (!dialect_.has_ident) {
            // What cannot be indentation belongs to the name.
            depth = std::min(depth, ancestors_.size());
        } else if (blanks % 2 != 0 || depth > ancestors_.size()) {
            return torn_line("its indentation fits no context above it");
        }
        name.remove_prefix(2 * depth);
        const bool is_first = tree_.contexts.empty();
        if (is_first != (depth == 0) || (is_first && name != kRootName)) {
            return torn_line(fmt::format("it does not begin with {}, the only root", kRootName));
        }
        if (depth > kMaxLevels) {
            return torn_line("contexts are nested too deeply");
        }
        return depth;
    }

    void recognise_slab(MemoryContext& context) const {
        if (!context.parent) {
            return;
        }
        const std::string& parent_name = tree_.contexts[*context.parent].name;
        constexpr std::string_view kSlabPrefix = "Slab: ";
        // Contexts that bear a relation's name, which may begin so, are children of
        // CacheMemoryContext (relcache.c); a Slab context never is.
        if (dialect_.marks_slab_in_name && context.name.starts_with(kSlabPrefix) &&
            parent_name != "CacheMemoryContext") {
            context.name.erase(0, kSlabPrefix.size());
            context.type = ContextType::kSlab;
        }
        if (dialect_.has_ident && !dialect_.has_empty_blocks && parent_name == "ReorderBuffer" &&
            (context.name == "TXN" || context.name == "Change")) {
            context.type = ContextType::kSlab;
        }
    }

    [[nodiscard]] Result<> check_sum(const std::optional<ContextFigures>& grand_total) const {
        if (tree_.contexts.empty()) {
            return torn("it holds no context");
        }
        const std::optional<ContextFigures> sum = tree_.checked_grand_total();
        if (!sum) {
            return torn("the sum of its figures is no number of bytes");
        }
        if (grand_total && *grand_total != *sum) {
            return torn(fmt::format("its Grand total is {} bytes, the sum of its contexts {}",
                                    grand_total->total_bytes,
                                    sum->total_bytes));
        }
        return {};
    }

    [[nodiscard]] tl::unexpected<Error> torn_line(std::string_view reason) const {
        return torn(fmt::format("line {}: {}", line_number_, reason));
    }

    static tl::unexpected<Error> torn(std::string_view reason) {
        return failure(Error::Kind::kFailed,
                       fmt::format("the output of MemoryContextStats is torn: {}", reason),
                       "take the snapshot again; if it happens again, use --method freeze");
    }

    std::string_view text_;
    Dialect dialect_;
    ContextTree tree_;
    // Indices of the contexts from the root to the last one added.
    std::vector<std::size_t> ancestors_;
    // Where the last context's text begins.
    std::size_t last_begin_ = 0;
    std::int64_t line_number_ = 0;
};

using Output = std::back_insert_iterator<std::string>;

void print_figures(Output out, const MemoryContext& context, const Dialect& dialect) {
    const ContextFigures& figures = context.figures;
    fmt::format_to(out, "{} total in {} blocks", figures.total_bytes, figures.total_nblocks);
    if (context.type == ContextType::kGeneration && dialect.has_generation) {
        fmt::format_to(out, " ({} chunks)", context.generation_chunks);
    }
    if (context.type == ContextType::kSlab && dialect.has_empty_blocks) {
        fmt::format_to(out, "; {} empty blocks", context.slab_empty_blocks);
    }
    fmt::format_to(out, "; {} free", figures.free_bytes);
    if (context.type != ContextType::kBump || !dialect.has_bump) {
        fmt::format_to(out, " ({} chunks)", figures.free_chunks);
    }
    fmt::format_to(out, "; {} used", figures.used_bytes);
}

// What was shown of an ident, shown again: one that ends in dots just behind the limit was cut
// before.
std::string printed_ident(std::string_view ident) {
    const bool was_cut = ident.size() > kMaxShownIdentBytes &&
                         ident.size() <= kMaxShownIdentBytes + kDots.size() &&
                         ident.ends_with(kDots);
    if (!was_cut) {
        return shown_ident(std::string(ident));
    }
    return shown_ident(std::string(ident.substr(0, ident.size() - kDots.size()))) +
           std::string(kDots);
}

void print_context(std::string& text, const MemoryContext& context, const Dialect& dialect) {
    text.append(2 * static_cast<std::size_t>(context.level - 1), ' ');
    // A hash table's context is labelled with the table's name alone, as before 11.
    const bool is_hash_table = context.name == "dynahash" && context.ident;
    if (dialect.marks_slab_in_name && context.type == ContextType::kSlab) {
        text += "Slab: ";
    }
    text += is_hash_table ? *context.ident : context.name;
    text += ": ";
    print_figures(std::back_inserter(text), context, dialect);
    if (dialect.has_ident && context.ident && !is_hash_table) {
        text += ": ";
        text += printed_ident(*context.ident);
    }
    text += '\n';
}

}  // namespace

Result<ContextTree> parse_stats_text(std::string_view text, int server_version_num) {
    const std::optional<Dialect> dialect = dialect_of(server_version_num);
    if (!dialect) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the output of MemoryContextStats is not known for server "
                                   "version {}",
                                   server_version_num),
                       "PostgreSQL 9.4 to 19 can be read");
    }
    return Parser(text, *dialect).parse();
}

std::string shown_ident(std::string ident) {
    if (ident.size() > kMaxShownIdentBytes) {
        std::size_t cut = kMaxShownIdentBytes;
        constexpr std::size_t kLongestTail = 3;
        const auto is_continuation = [](char byte) {
            return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
        };
        while (cut > kMaxShownIdentBytes - kLongestTail && is_continuation(ident[cut])) {
            --cut;
        }
        // More continuation bytes than a character can have: no UTF-8, cut where bytes are cut.
        ident.resize(is_continuation(ident[cut]) ? kMaxShownIdentBytes : cut);
        ident += kDots;
    }
    std::ranges::replace_if(
        ident, [](char byte) { return static_cast<unsigned char>(byte) < ' '; }, ' ');
    return ident;
}

std::string stats_text(const ContextTree& tree, int server_version_num) {
    constexpr int kNewest = 190000;
    const Dialect dialect = dialect_of(server_version_num).value_or(*dialect_of(kNewest));
    std::string text;
    for (const MemoryContext& context : tree.contexts) {
        print_context(text, context, dialect);
    }
    if (dialect.has_grand_total) {
        const ContextFigures total = tree.grand_total();
        fmt::format_to(std::back_inserter(text),
                       "{}{} bytes in {} blocks; {} free ({} chunks); {} used\n",
                       kGrandTotal,
                       total.total_bytes,
                       total.total_nblocks,
                       total.free_bytes,
                       total.free_chunks,
                       total.used_bytes);
    }
    return text;
}

}  // namespace palloscope
