#pragma once

#include <unistd.h>

#include <utility>

namespace palloscope::workload {

// Owns one file descriptor and closes it in the end.
class Descriptor {
  public:
    // Takes over `descriptor`; a negative one means none.
    explicit Descriptor(int descriptor = -1) noexcept : descriptor_(descriptor) {}

    Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }

    [[nodiscard]] int get() const noexcept { return descriptor_; }

    [[nodiscard]] bool valid() const noexcept { return descriptor_ >= 0; }

  private:
    int descriptor_;
};

}  // namespace palloscope::workload
