// SPDX-License-Identifier: MIT
// What a zygote has loaded is copied to each child by reference, page by page: of 256 MiB that takes milliseconds at each fork, and as
// many at each death, before anybody can hear of it. In pages of 2 MiB it is next to nothing.
#pragma once

namespace temporal::child {

/// Puts the large private memory of this process on huge pages, where nearly all of it is in use: at most a sixteenth more is taken.
/// Copies that memory once, for a second at most; the rest stays as it is. Does nothing where the kernel cannot (before 6.1) or
/// transparent huge pages are switched off.
void use_huge_pages();

}  // namespace temporal::child
