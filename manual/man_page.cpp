#include "manual/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace palloscope::manual {

namespace {

// Text as it is, on lines that groff must not take for requests (groff(7), "Escape Sequences").
std::string roff(std::string_view text) {
    std::string escaped;
    bool at_line_start = true;
    for (const char c : text) {
        if (at_line_start && (c == '.' || c == '\'')) {
            escaped += "\\&";
        }
        at_line_start = c == '\n';
        switch (c) {
            case '\\':
                escaped += "\\e";
                break;
            case '-':
                escaped += "\\-";
                break;
            case '\'':
                escaped += "\\(aq";
                break;
            case '`':
                escaped += "\\(ga";
                break;
            case '^':
                escaped += "\\(ha";
                break;
            case '~':
                escaped += "\\(ti";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

// Lines that were broken for a terminal flow; indented ones and what follows a blank one do not.
std::string paragraphs(std::string_view text) {
    std::string page;
    bool literal = false;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, length);
        text.remove_prefix(std::min(length + 1, text.size()));
        const bool indented = line.starts_with(' ');
        if (indented != literal) {
            page += indented ? ".PP\n.nf\n" : ".fi\n";
            literal = indented;
        }
        page += line.empty() ? ".PP\n" : roff(line) + '\n';
    }
    return page + (literal ? ".fi\n" : "");
}

std::string option_entry(const DescribedOption& option) {
    const std::string value =
        option.choices.empty() ? option.value : fmt::format("{}", fmt::join(option.choices, "|"));
    std::string entry =
        fmt::format(".TP\n\\fB{}\\fR", roff(fmt::format("{}", fmt::join(option.names, ", "))));
    if (!value.empty() && option.names.front().starts_with('-')) {
        entry += fmt::format(" \\fI{}\\fR", roff(value));
    }
    entry += '\n' + roff(option.description) + '\n';
    if (option.required && option.names.front().starts_with('-')) {
        entry += "(required)\n";
    }
    if (!option.default_text.empty()) {
        entry += fmt::format("(default: {})\n", roff(option.default_text));
    }
    return entry;
}

// Options that most commands have are described once.
bool is_common(const DescribedOption& option, const DescribedCommand& program) {
    const auto having = std::ranges::count_if(program.commands, [&](const DescribedCommand& other) {
        return std::ranges::find(other.options, option) != other.options.end();
    });
    return 2 * static_cast<std::size_t>(having) > program.commands.size();
}

std::string common_options(const DescribedCommand& program) {
    std::vector<DescribedOption> found;
    for (const DescribedCommand& command : program.commands) {
        for (const DescribedOption& option : command.options) {
            if (is_common(option, program) && std::ranges::find(found, option) == found.end()) {
                found.push_back(option);
            }
        }
    }
    std::string page = ".SH COMMON OPTIONS\nOf most commands, which name those that they have.\n";
    for (const DescribedOption& option : found) {
        page += option_entry(option);
    }
    return page;
}

std::string command_section(const DescribedCommand& command, const DescribedCommand& program) {
    std::string page = fmt::format(".SS {}\n\\fB{} {}\\fR [\\fIOPTIONS\\fR]",
                                   roff(command.name),
                                   roff(program.name),
                                   roff(command.name));
    for (const DescribedOption& operand : command.operands) {
        const std::string name = fmt::format("\\fI{}\\fR", roff(operand.names.front()));
        page += operand.required ? ' ' + name : fmt::format(" [{}]", name);
    }
    page += "\n.PP\n" + paragraphs(command.description);
    for (const DescribedOption& operand : command.operands) {
        page += option_entry(operand);
    }
    std::vector<std::string> common;
    for (const DescribedOption& option : command.options) {
        if (is_common(option, program)) {
            common.push_back(option.names.back());
        } else {
            page += option_entry(option);
        }
    }
    if (!common.empty()) {
        page += fmt::format(".PP\nCommon options: {}\n",
                            roff(fmt::format("{}.", fmt::join(common, ", "))));
    }
    return page + ".PP\n" + paragraphs(command.footer);
}

std::string upper_case(std::string text) {
    std::ranges::transform(
        text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// The first sentence of its description, for whatis(1).
std::string summary(const DescribedCommand& program) {
    std::string first = program.description.substr(0, program.description.find_first_of(".:"));
    std::ranges::replace(first, '\n', ' ');
    return first;
}

}  // namespace

std::string man_page(const DescribedCommand& program, const std::string& version) {
    std::string page = fmt::format(
        ".TH {} 1 \"\" \"palloscope {}\"\n.nh\n.ad l\n", upper_case(program.name), version);
    page += fmt::format(".SH NAME\n{} \\- {}\n", roff(program.name), roff(summary(program)));
    page += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n",
                        roff(program.name));
    page += ".SH DESCRIPTION\n" + paragraphs(program.description);
    page += common_options(program) + ".SH COMMANDS\n";
    for (const DescribedCommand& command : program.commands) {
        page += command_section(command, program);
    }
    return page + ".SH EXAMPLES AND EXIT CODES\n" + paragraphs(program.footer);
}

}  // namespace palloscope::manual
