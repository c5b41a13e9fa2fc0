#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manual/completions.hpp"

namespace palloscope::manual {

namespace {

// Within single quotes fish knows two escapes.
std::string quoted(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c == '\'' || c == '\\' ? "\\" : "";
        escaped += c == '\n' ? ' ' : c;
    }
    return escaped;
}

std::string option_lines(const DescribedCommand& command,
                         const std::string& program,
                         const std::string& condition) {
    std::string lines;
    for (const DescribedOption& option : command.options) {
        lines += fmt::format("complete -c {} -n '{}'", program, condition);
        for (const std::string& name : option.names) {
            lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        }
        if (!option.choices.empty()) {
            lines += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
        } else if (!option.value.empty()) {
            lines += " -r";
        }
        lines += fmt::format(" -d '{}'\n", quoted(option.description));
    }
    return lines;
}

}  // namespace

std::string fish_completion(const DescribedCommand& program) {
    std::string script = option_lines(program, program.name, "__fish_use_subcommand");
    for (const DescribedCommand& command : program.commands) {
        script += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {} -d '{}'\n",
                              program.name,
                              command.name,
                              quoted(command.description));
        script +=
            option_lines(command, program.name, "__fish_seen_subcommand_from " + command.name);
    }
    return script;
}

}  // namespace palloscope::manual
