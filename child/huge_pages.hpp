// SPDX-License-Identifier: MIT
// What a zygote has loaded is copied to each child by reference, page by page: of 256 MiB that takes milliseconds at each fork, and as
// many at each death, before anybody can hear of it. In pages of 2 MiB it is next to nothing.
#pragma once

namespace temporal::child {

/// Puts the large private memory of this process on huge pages, where nearly all of it is in use: nothing is taken that was not taken
/// before. Copies that memory once. A kernel that cannot (before 6.1) does nothing.
void use_huge_pages();

}  // namespace temporal::child
