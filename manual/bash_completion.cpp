#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manual/completions.hpp"

namespace palloscope::manual {

namespace {

std::vector<std::string> option_names(const DescribedCommand& command) {
    std::vector<std::string> names;
    for (const DescribedOption& option : command.options) {
        names.insert(names.end(), option.names.begin(), option.names.end());
    }
    return names;
}

// What may follow an option that takes a value: its choices, or nothing, so that bash offers files.
std::string values_of_options(const DescribedCommand& command, const std::string& name) {
    std::string cases;
    for (const DescribedOption& option : command.options) {
        for (const std::string& option_name : option.names) {
            if (!option.value.empty()) {
                cases += fmt::format("        '{} {}') words='{}' ;;\n",
                                     name,
                                     option_name,
                                     fmt::join(option.choices, " "));
            }
        }
    }
    return cases;
}

}  // namespace

std::string bash_completion(const DescribedCommand& program) {
    std::string function = program.name;
    std::ranges::replace(function, '-', '_');
    std::vector<std::string> first = option_names(program);
    std::string cases;
    for (const DescribedCommand& command : program.commands) {
        first.push_back(command.name);
        cases += values_of_options(command, command.name);
    }
    for (const DescribedCommand& command : program.commands) {
        cases += fmt::format(
            "        '{} '*) words='{}' ;;\n", command.name, fmt::join(option_names(command), " "));
    }
    return fmt::format(R"(# Completion of {0} for bash.
_{1}() {{
    local command='' word words=''
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] || {{ command=$word; break; }}
    done
    case "$command ${{COMP_WORDS[COMP_CWORD-1]}}" in
{2}        ' '*) words='{3}' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _{1} {0}
)",
                       program.name,
                       function,
                       cases,
                       fmt::join(first, " "));
}

}  // namespace palloscope::manual
