// SPDX-License-Identifier: MIT
// Public classes live in libtemporal.so; modules are built with hidden visibility. What crosses
// that border needs one identity (exceptions are caught by it), so it is exported by name.
#pragma once

#define TEMPORAL_API __attribute__((visibility("default")))
