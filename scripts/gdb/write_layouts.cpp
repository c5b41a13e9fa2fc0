// Writes scripts/gdb/palloscope_gdb/layouts.py: the file named on the command line.

#include <fstream>

#include "scripts/gdb/layout_text.hpp"

int main(int argc, char** argv) {
    std::ofstream file(argc == 2 ? argv[1] : "/dev/stdout");
    file << palloscope::layout_text() << std::flush;
    return file ? 0 : 1;
}
