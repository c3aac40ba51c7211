// SPDX-License-Identifier: MIT
#include "supervisor/rpc/connection.hpp"

#include <absl/synchronization/mutex.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "supervisor/rpc/channels.hpp"
#include "supervisor/version.hpp"

namespace temporal::supervisor {

namespace {

// The server gives some names of others a meaning; an unknown one it accepts.
constexpr const char* kClientName = "temporal-supervisor";

// Tells the two channels apart: gRPC shares a connection among channels with equal arguments.
constexpr const char* kPurpose = "temporal.purpose";

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]");
}

// Built without NDEBUG, as Debian's is, abseil looks for cycles of locks at each of gRPC's locks, under one lock for all: 4 % of
// a worker's CPU.
void take_locks_as_they_are() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

std::shared_ptr<grpc::Channel> open(const ConnectionOptions& options, int purpose) {
  take_locks_as_they_are();
  grpc::ChannelArguments args;
  args.SetInt(kPurpose, purpose);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 15'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // ours know more: see retry.hpp
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
              5'000);  // how long one attempt to connect may take
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10'000);
  args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);  // details of an error come as a trailer
  args.SetMaxReceiveMessageSize(int(options.max_receive_bytes));
  args.SetMaxSendMessageSize(128 << 20);
  args.SetLoadBalancingPolicyName("round_robin");
  if (is_loopback(options.address)) args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), args);
}

std::vector<std::pair<std::string, std::string>> checked(const ConnectionOptions& options) {
  if (options.address.empty() || !is_printable_ascii(options.address) ||
      options.address.find(':') == std::string::npos)
    throw std::invalid_argument("the address \"" + options.address +
                                "\" is not of the form host:port");
  std::vector<std::pair<std::string, std::string>> all{{"client-name", kClientName},
                                                       {"client-version", kVersion}};
  for (auto [name, value] : options.metadata) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '_' ? '-' : char(std::tolower(c)); });
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), allowed))
      throw std::invalid_argument("\"" + name + "\" cannot be the name of a header");
    if (!is_printable_ascii(value))
      throw std::invalid_argument("the header " + name +
                                  " has a value that is not printable ASCII");
    all.emplace_back(std::move(name), std::move(value));
  }
  return all;
}

}  // namespace

std::string default_identity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::to_string(getpid()) + "@" + (host[0] ? host.data() : "unknown");
}

bool is_printable_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Connection::Connection(ConnectionOptions options) {
  auto metadata = checked(options);
  Stub unary(open(options, 0));
  auto channel = open(options, 1);
  Stub long_poll(channel);
  channels_.reset(new Channels{std::move(options),
                               std::move(metadata),
                               std::move(channel),
                               std::move(unary),
                               std::move(long_poll),
                               {},
                               {}});
}

Connection::~Connection() {
  for (const auto& flight : channels_->flights) flight->context.TryCancel();
  for (const auto& flight : channels_->flights) flight->landed->wait(false);
}

bool Connection::up() const {
  // Idle: nobody asked anything for long, all places being taken, say.
  const auto state = channels_->long_poll_channel->GetState(false);
  return state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE;
}

const std::string& Connection::address() const noexcept { return channels_->options.address; }

}  // namespace temporal::supervisor
