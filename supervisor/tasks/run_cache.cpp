// SPDX-License-Identifier: MIT
#include "supervisor/tasks/run_cache.hpp"

namespace asio = boost::asio;

namespace temporal::supervisor {

RunCache::Lease::Lease(RunCache& cache, Node& node) noexcept : cache_(&cache), node_(&node) {
  ++node.second.tasks;
}

RunCache::Lease::~Lease() {
  if (cache_) cache_->release(*node_, holds_);
}

asio::awaitable<RunCache::Lease> RunCache::check_out(const std::string& run_id) {
  auto& node = *entries_.try_emplace(run_id).first;
  Lease lease(*this, node);
  while (node.second.leased) co_await released_.wait();
  node.second.leased = true;
  lease.holds_ = true;
  if (node.second.run) lease.run = take(node);
  co_return lease;
}

std::vector<RunCache::Run> RunCache::check_in(Lease lease) {
  std::vector<Run> gone;
  if (capacity_ == 0) {
    gone.push_back(std::move(lease.run));
    return gone;
  }
  auto& entry = lease.node_->second;
  entry.run = std::move(lease.run);
  entry.place = idle_.insert(idle_.end(), lease.node_);
  bytes_ += entry.run->bytes();
  // There is no room for it at all, so that it takes none from the others.
  if (max_bytes_ > 0 && entry.run->bytes() > max_bytes_) {
    gone.push_back(take(*lease.node_));
    return gone;
  }
  while (idle_.size() > capacity_ || (max_bytes_ > 0 && bytes_ > max_bytes_))
    gone.push_back(take_oldest());
  return gone;
}

std::vector<RunCache::Run> RunCache::clear() {
  std::vector<Run> runs;
  while (!idle_.empty()) runs.push_back(take_oldest());
  return runs;
}

RunCache::Run RunCache::take(Node& node) {
  idle_.erase(node.second.place);
  bytes_ -= node.second.run->bytes();
  return std::move(node.second.run);
}

RunCache::Run RunCache::take_oldest() {
  auto& node = *idle_.front();
  auto run = take(node);
  if (node.second.tasks == 0) entries_.erase(node.first);
  return run;
}

void RunCache::release(Node& node, bool held) {
  auto& entry = node.second;
  if (held) {
    entry.leased = false;
    if (entry.tasks > 1) released_.notify();
  }
  if (--entry.tasks == 0 && !entry.run) entries_.erase(node.first);
}

}  // namespace temporal::supervisor
