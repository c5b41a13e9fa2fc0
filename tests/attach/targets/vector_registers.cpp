// Holds a pattern in all sixteen AVX registers and in the x87 and SSE control words, and looks, in
// a loop that never enters the kernel, whether it is still there.
#include <cstring>

#include "tests/attach/targets/target.hpp"

namespace {

struct Vectors {
    unsigned char bytes[16][32];
};

}  // namespace

int main() {
    alignas(32) static Vectors pattern;
    alignas(32) static Vectors found;
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 32; ++j) {
            pattern.bytes[i][j] = static_cast<unsigned char>(i * 32 + j + 1);
        }
    }
    const unsigned mxcsr = 0x5f80;              // rounds up
    const unsigned short x87_control = 0x0b7f;  // rounds up
    asm volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(x87_control));
    target::ready();
    for (;;) {
        unsigned mxcsr_now = 0;
        unsigned short x87_now = 0;
#define FOR_ALL(DO)                                                                          \
    DO(0)                                                                                    \
    DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) \
        DO(15)
#define LOAD(i) "vmovdqa 32*" #i "(%[pattern]), %%ymm" #i "\n"
#define STORE(i) "vmovdqa %%ymm" #i ", 32*" #i "(%[found])\n"
        asm volatile(FOR_ALL(LOAD)
                     "mov $20000, %%ecx\n"
                     "1: dec %%ecx\n"
                     "jnz 1b\n" FOR_ALL(STORE)
                     "stmxcsr %[mxcsr]\n"
                     "fnstcw %[x87]\n"
                     : [mxcsr] "=m"(mxcsr_now), [x87] "=m"(x87_now), "=m"(found)
                     : [pattern] "r"(&pattern), [found] "r"(&found), "m"(pattern)
                     : "rcx", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
        // Bits 0 to 5 of MXCSR are the exceptions seen so far.
        if (memcmp(&pattern, &found, sizeof pattern) != 0 || (mxcsr_now & ~0x3fu) != mxcsr ||
            x87_now != x87_control) {
            mismatches = mismatches + 1;
        }
        counter = counter + 1;
    }
}
