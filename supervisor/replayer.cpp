// SPDX-License-Identifier: MIT
#include "temporal/replayer.hpp"

#include <utility>

#include "shared/module_loader.hpp"
#include "supervisor/codec/codec_chain.hpp"
#include "supervisor/in_order.hpp"
#include "supervisor/options.hpp"
#include "supervisor/recorded_events.hpp"
#include "supervisor/workflow/replayer.hpp"

namespace temporal {

class Replayer::Impl {
 public:
  explicit Impl(const ReplayerOptions& options)
      : threads_(static_cast<std::size_t>(options.threads > 0 ? options.threads
                                                              : supervisor::usable_cores())),
        fail_fast_(options.fail_fast) {
    for (auto function : options.own_modules) function(module_);
    for (const auto& path : options.modules) load_module(path, module_);
    codecs_ = supervisor::CodecChain(module_, options.header_codec);
  }

  [[nodiscard]] ReplayResult replay(const History& history) const {
    if (codecs_.empty()) return replay(history.events().proto);
    auto decoded = history.events().proto;
    try {
      codecs_.decode(decoded);
    } catch (const supervisor::CodecError& error) {
      return {false, error.what(), 0};
    }
    return replay(decoded);
  }

  [[nodiscard]] ReplayResult replay(const api::history::v1::History& events) const {
    auto result = engine::replay(module_, events);
    return {result.ok, std::move(result.message), result.event_id};
  }

  [[nodiscard]] std::vector<ReplayResult> replay_all(const std::vector<History>& histories) const {
    std::vector<ReplayResult> results;
    supervisor::in_order(
        histories.size(), threads_, [&](std::size_t i) { return replay(histories[i]); },
        [&](ReplayResult result) {
          results.push_back(std::move(result));
          return results.back().ok || !fail_fast_;
        });
    return results;
  }

 private:
  const std::size_t threads_;
  const bool fail_fast_;
  Module module_;
  supervisor::CodecChain codecs_;
};

Replayer::Replayer(const ReplayerOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Replayer::~Replayer() = default;

ReplayResult Replayer::replay(const History& history) const { return impl_->replay(history); }

std::vector<ReplayResult> Replayer::replay_all(const std::vector<History>& histories) const {
  return impl_->replay_all(histories);
}

}  // namespace temporal
