// The entry of libFuzzer (https://llvm.org/docs/LibFuzzer.html): scripts/fuzz.

#include "tests/fuzz/context_walk.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    palloscope::test::walk_damaged_contexts({data, size});
    return 0;
}
