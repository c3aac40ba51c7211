// SPDX-License-Identifier: MIT
// Two kinds of tasks run in one pool of equal children; only counts tell whose a child is. A polled task was promised its child
// before the poll was sent, and a poll cannot be recalled. What a coroutine activity hands over was promised nothing: it runs
// in what there is beyond, and never in a child that a polled task may be about to need.
#pragma once

#include <algorithm>

namespace temporal::supervisor::children {

enum class Share {
  polled,   ///< tasks whose permit was taken before they were asked for
  offload,  ///< tasks that other activities hand over while they run
};

/// The children of this moment.
struct Census {
  int staying = 0;        ///< all but those that were told to leave
  int ready = 0;          ///< idle or busy
  int polled = 0;         ///< busy with a polled task
  int offloaded = 0;      ///< busy with an offloaded one
  int offload_calls = 0;  ///< offloaded tasks: running, being killed, waiting
};

/// Pure: the caller counts.
class Shares {
 public:
  Shares(int children, int offload_children)
      : children_(children), offload_children_(offload_children) {}

  void resize(int children) { children_ = children; }

  [[nodiscard]] int size(Share share) const {
    return share == Share::polled ? children_ : offload_children_;
  }
  /// How many tasks of this share the children that are there can hold, those that run included.
  [[nodiscard]] int places(Share share, const Census& now) const {
    const int left = share == Share::polled ? now.ready - now.offloaded : now.ready - children_;
    return std::clamp(left, 0, size(share));
  }
  /// While this is positive, an idle child is there.
  [[nodiscard]] int free(Share share, const Census& now) const {
    return places(share, now) - (share == Share::polled ? now.polled : now.offloaded);
  }
  /// How many children there should be. More are tolerated until they have been idle for long.
  [[nodiscard]] int wanted(const Census& now) const {
    return children_ + std::min(offload_children_, now.offload_calls);
  }

 private:
  int children_;
  int offload_children_;
};

}  // namespace temporal::supervisor::children
