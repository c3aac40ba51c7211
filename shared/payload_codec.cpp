// SPDX-License-Identifier: MIT
#include "temporal/payload_codec.hpp"

namespace temporal {

PayloadCodec::~PayloadCodec() = default;

}  // namespace temporal
