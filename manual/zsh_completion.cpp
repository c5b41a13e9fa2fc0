#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manual/completions.hpp"

namespace palloscope::manual {

namespace {

// Within single quotes, and within the brackets and colons of _arguments (zshcompsys(1)).
std::string quoted(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\'') {
            escaped += "'\\''";
        } else if (c == '\n') {
            escaped += ' ';
        } else {
            escaped += std::string_view("[]:\\").find(c) == std::string_view::npos ? "" : "\\";
            escaped += c;
        }
    }
    return escaped;
}

std::string argument_specifications(const DescribedCommand& command) {
    std::string specifications;
    for (const DescribedOption& option : command.options) {
        for (const std::string& name : option.names) {
            specifications += fmt::format(" \\\n        '{}[{}]", name, quoted(option.description));
            if (!option.value.empty()) {
                specifications += fmt::format(
                    ":{}:{}",
                    quoted(option.value),
                    option.choices.empty() ? "_files"
                                           : fmt::format("({})", fmt::join(option.choices, " ")));
            }
            specifications += '\'';
        }
    }
    return specifications;
}

}  // namespace

std::string zsh_completion(const DescribedCommand& program) {
    std::string script = fmt::format("#compdef {}\nlocal -a commands=(\n", program.name);
    for (const DescribedCommand& command : program.commands) {
        script += fmt::format("    '{}:{}'\n", command.name, quoted(command.description));
    }
    script += fmt::format(
        ")\nlocal state\n_arguments -C{} \\\n        '1: :->command' '*:: :->argument'\n",
        argument_specifications(program));
    script +=
        "case $state in\ncommand) _describe command commands ;;\nargument)\n    case $words[1] "
        "in\n";
    for (const DescribedCommand& command : program.commands) {
        script += fmt::format("    {}) _arguments{} \\\n        '*:file:_files' ;;\n",
                              command.name,
                              argument_specifications(command));
    }
    return script + "    esac ;;\nesac\n";
}

}  // namespace palloscope::manual
