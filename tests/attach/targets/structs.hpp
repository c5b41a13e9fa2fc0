#pragma once

#include <cstdint>

// Structs of known layout, in the global namespace as in a program in C.

// Anonymous structs and flexible arrays are C, and GCC's C++.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

struct Declared;

typedef struct Point {  // NOLINT(modernize-use-using): as C does it
    double x;
    double y;
} PointAlias;

typedef struct {  // NOLINT(modernize-use-using)
    std::int32_t only;
} OnlyTypedef;

typedef const PointAlias ConstantPoint;  // NOLINT(modernize-use-using)

struct Everything {
    char letter;
    Point corners[4];
    const Everything* next;

    union {
        std::int64_t number;

        struct {
            std::int16_t low;
            std::int16_t high;
        };
    };

    PointAlias alias;
    Declared* opaque;
    unsigned flag_a : 3;
    unsigned flag_b : 10;
    unsigned flag_c : 1;
    void (*function)(int);
    std::uint8_t tail[];
};

#pragma GCC diagnostic pop
