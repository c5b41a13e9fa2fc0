#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

// What a command line offers, as plain values: manual pages and completions are written from these,
// so that they say what --help says.
namespace palloscope::manual {

struct DescribedOption {
    std::vector<std::string> names;    // "-o", "--output"; of an operand its one name
    std::string value;                 // what it takes: "TIME"; empty for a flag
    std::vector<std::string> choices;  // the values that it takes, where they are a fixed set
    std::string default_text;
    std::string description;
    bool required = false;

    bool operator==(const DescribedOption&) const = default;
};

struct DescribedCommand {
    std::string name;
    std::string description;
    std::string footer;  // explanations, examples
    std::vector<DescribedOption> operands;
    std::vector<DescribedOption> options;
    std::vector<DescribedCommand> commands;

    bool operator==(const DescribedCommand&) const = default;
};

[[nodiscard]] DescribedCommand describe(const CLI::App& app);

}  // namespace palloscope::manual
