#pragma once

#include <libpq-fe.h>

#include <memory>

namespace palloscope {

// The owners of what libpq hands out.
template <auto kFree>
struct FreeBy {
    template <typename T>
    void operator()(T* pointer) const noexcept {
        kFree(pointer);
    }
};

using PqConnection = std::unique_ptr<PGconn, FreeBy<PQfinish>>;
using PqResult = std::unique_ptr<PGresult, FreeBy<PQclear>>;

}  // namespace palloscope
