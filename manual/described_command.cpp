#include "manual/described_command.hpp"

#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>

namespace palloscope::manual {

namespace {

// CLI::IsMember adds its choices to the name of an option's type: "TEXT:{auto,read}".
void read_type(const std::string& type, DescribedOption& option) {
    const std::size_t open = type.find(":{");
    const std::size_t close = type.find('}', open);
    option.value = type.substr(0, type.find(':'));
    if (open == std::string::npos || close == std::string::npos) {
        return;
    }
    std::istringstream list(type.substr(open + 2, close - open - 2));
    for (std::string choice; std::getline(list, choice, ',');) {
        option.choices.push_back(choice);
    }
}

DescribedOption describe(const CLI::Option& option) {
    DescribedOption described{.default_text = option.get_default_str(),
                              .description = option.get_description(),
                              .required = option.get_required()};
    for (const std::string& name : option.get_snames()) {
        described.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        described.names.push_back("--" + name);
    }
    if (option.get_positional()) {
        described.names = {option.get_name(/*positional=*/true)};
    }
    if (option.get_type_size() != 0) {
        read_type(option.get_type_name(), described);
    }
    return described;
}

}  // namespace

DescribedCommand describe(const CLI::App& app) {
    DescribedCommand command{
        .name = app.get_name(), .description = app.get_description(), .footer = app.get_footer()};
    for (const CLI::Option* const option : app.get_options({})) {
        (option->get_positional() ? command.operands : command.options)
            .push_back(describe(*option));
    }
    for (const CLI::App* const subcommand : app.get_subcommands({})) {
        command.commands.push_back(describe(*subcommand));
    }
    return command;
}

}  // namespace palloscope::manual
