#include "attach/exec_texts.hpp"

#include <unistd.h>

#include <algorithm>

namespace palloscope {

std::vector<std::string> environment_with(const std::vector<std::string>& additions) {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        environment.emplace_back(*entry);
    }
    for (const std::string& addition : additions) {
        const std::string name = addition.substr(0, addition.find('=') + 1);
        std::erase_if(environment,
                      [&](const std::string& entry) { return entry.starts_with(name); });
        environment.push_back(addition);
    }
    return environment;
}

std::vector<char*> null_terminated(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace palloscope
