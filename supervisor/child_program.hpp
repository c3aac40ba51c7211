// SPDX-License-Identifier: MIT
// Which program becomes the zygote?
#pragma once

#include "shared/ipc/fd.hpp"

namespace temporal::supervisor {

/// This program itself when it brings its modules (`own_modules`), else temporal-child: TEMPORAL_CHILD, or what lies beside this
/// program or beside the installed library. Throws SettingsError that names where it was looked for.
[[nodiscard]] ipc::UniqueFd open_child_program(bool own_modules);

}  // namespace temporal::supervisor
