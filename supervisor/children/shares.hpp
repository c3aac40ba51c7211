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
  int polled_calls = 0;   ///< polled tasks: running, being killed, waiting
  int offload_calls = 0;  ///< offloaded ones
};

/// Pure: the caller counts.
class Shares {
 public:
  /// From `children` up to `most_children` while polled tasks need them.
  Shares(int children, int most_children, int offload_children)
      : offload_children_(offload_children) {
    resize(children, most_children);
  }

  void resize(int children, int most_children) {
    children_ = children;
    most_children_ = std::max(children, most_children);
  }

  /// Those that are always there.
  [[nodiscard]] int children() const { return children_; }
  [[nodiscard]] int size(Share share) const {
    return share == Share::polled ? most_children_ : offload_children_;
  }
  /// How many tasks of this share the children that are there can hold, those that run included.
  [[nodiscard]] int places(Share share, const Census& now) const {
    const int left = share == Share::polled ? now.ready - now.offloaded
                                            : now.ready - std::max(children_, now.polled);
    return std::clamp(left, 0, size(share));
  }
  /// How many polled tasks may be asked for: as long as those stand that are always there, others come when they are needed.
  [[nodiscard]] int promised(const Census& now) const {
    const int there = places(Share::polled, now);
    return there >= children_ ? most_children_ : there;
  }
  /// While this is positive, an idle child is there.
  [[nodiscard]] int free(Share share, const Census& now) const {
    return places(share, now) - (share == Share::polled ? now.polled : now.offloaded);
  }
  /// How many children there should be. More are tolerated until they have been idle for long.
  [[nodiscard]] int wanted(const Census& now) const {
    return needed_by_polled(now) + std::min(offload_children_, now.offload_calls);
  }
  /// Idle ones that nobody needs.
  [[nodiscard]] int spare(const Census& now) const {
    return now.ready - now.offloaded - needed_by_polled(now);
  }

 private:
  [[nodiscard]] int needed_by_polled(const Census& now) const {
    return std::clamp(now.polled_calls, children_, most_children_);
  }

  int children_ = 0;
  int most_children_ = 0;
  int offload_children_;
};

}  // namespace temporal::supervisor::children
