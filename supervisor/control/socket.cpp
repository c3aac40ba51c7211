// SPDX-License-Identifier: MIT
#include "supervisor/control/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <list>
#include <string>
#include <utility>

#include "shared/ipc/fd.hpp"
#include "supervisor/control/places.hpp"
#include "supervisor/wakeup.hpp"

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::local::stream_protocol;

namespace temporal::supervisor::control {

namespace {

constexpr auto kAcceptAgain = std::chrono::milliseconds(100);
constexpr int kBacklog = 16;
// Another worker that ends takes the folder away when it is empty.
constexpr int kFolderTries = 10;

struct Listening {
  ipc::UniqueFd fd;
  fs::path path;
  bool own_folder = false;
  struct stat file {};
};

/// 0, or why not.
int bind_to(int fd, const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(fd, where, sizeof address) == 0 ? 0 : errno;
}

[[noreturn]] void cannot(const fs::path& path, int error) {
  throw ControlError("cannot listen at " + path.string() + ": " + std::strerror(error));
}

/// Nothing when its folder is not there.
std::optional<Listening> listen_at(const fs::path& path) {
  check_path(path);
  Listening made{.fd = ipc::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                 .path = path};
  if (!made.fd) cannot(path, errno);
  ::fchmod(made.fd.get(), 0600);  // the file is born with it
  int error = bind_to(made.fd.get(), path);
  if (error == EADDRINUSE) {
    const auto listener = listener_at(path);
    if (listener == Listener::alive)
      throw ControlError("another worker listens at " + path.string() +
                         ": name another path, one for each worker");
    if (listener == Listener::unknown)
      throw ControlError(path.string() +
                         " is there already, and is no socket of a worker of yours"
                         ": remove it, or name another path");
    ::unlink(path.c_str());
    error = bind_to(made.fd.get(), path);
  }
  if (error == ENOENT) return std::nullopt;
  if (error != 0) cannot(path, error);
  if (::lstat(path.c_str(), &made.file) != 0 || ::listen(made.fd.get(), kBacklog) != 0)
    cannot(path, errno);
  return made;
}

Listening listen_somewhere(const std::optional<fs::path>& path) {
  if (path) {
    if (auto made = listen_at(*path)) return std::move(*made);
    cannot(*path, ENOENT);
  }
  for (int i = 0; i < kFolderTries; ++i)
    if (auto made = listen_at(socket_in(make_folder(), ::getpid()))) {
      made->own_folder = true;
      return std::move(*made);
    }
  cannot(socket_in(make_folder(), ::getpid()), ENOENT);
}

}  // namespace

class Socket::Service : public std::enable_shared_from_this<Service> {
 public:
  Service(asio::any_io_executor core, Listening listening, Answer answer, SocketLimits limits)
      : core_(core),
        acceptor_(core, stream_protocol(), listening.fd.release()),
        listening_(std::move(listening)),
        answer_(std::move(answer)),
        limits_(limits),
        one_ended_(core) {}

  void start() { asio::co_spawn(core_, accept(shared_from_this()), asio::detached); }
  void close() {
    boost::system::error_code ignored;
    closed_ = true;
    acceptor_.close(ignored);
    for (auto& socket : open_) socket.close(ignored);
    one_ended_.notify();
    // It may be another's by now.
    struct stat now {};
    const auto& file = listening_.file;
    if (::lstat(path().c_str(), &now) == 0 && now.st_dev == file.st_dev &&
        now.st_ino == file.st_ino)
      ::unlink(path().c_str());
    if (listening_.own_folder) ::rmdir(path().parent_path().c_str());
  }
  [[nodiscard]] const fs::path& path() const { return listening_.path; }

 private:
  using Self = std::shared_ptr<Service>;
  using Sockets = std::list<stream_protocol::socket>;

  asio::awaitable<void> accept(Self self) {
    while (!closed_) {
      boost::system::error_code error;
      auto socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (closed_) co_return;
      if (error) {  // no descriptors, most likely
        co_await pause(kAcceptAgain);
        continue;
      }
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      const auto here = open_.emplace(open_.end(), std::move(socket));
      asio::co_spawn(core_, serve(self, here), asio::detached);
      co_await pause(limits_.pace);
      while (open_.size() >= limits_.connections && !closed_) co_await one_ended_.wait();
    }
  }

  asio::awaitable<void> serve(Self self, Sockets::iterator here) {
    struct Leave {
      Service& service;
      Sockets::iterator here;
      ~Leave() {
        service.open_.erase(here);
        service.one_ended_.notify();
      }
    } leave{*self, here};
    if (!may_ask(here->native_handle())) co_return;
    std::string line;
    boost::system::error_code error;
    auto buffer = asio::dynamic_buffer(line, limits_.request_bytes);
    auto read = [&]() -> asio::awaitable<void> {
      co_await asio::async_read_until(*here, buffer, '\n',
                                      asio::redirect_error(asio::use_awaitable, error));
    };
    const auto read_first = co_await first_of(read(), pause(limits_.read));
    if (read_first != 0 || closed_) co_return;
    std::string reply;
    if (error == asio::error::not_found) {
      reply = refusal("a request has at most " + std::to_string(limits_.request_bytes) + " bytes");
    } else if (error) {
      co_return;  // it is gone
    } else {
      line.resize(line.find('\n'));  // one is answered
      auto request = Json::parse(line, nullptr, false);
      auto told = co_await told_of(std::move(request));
      reply = std::move(told);
    }
    if (closed_) co_return;
    auto write = [&]() -> asio::awaitable<void> {
      co_await asio::async_write(*here, asio::buffer(reply),
                                 asio::redirect_error(asio::use_awaitable, error));
    };
    co_await first_of(write(), pause(limits_.write));
  }

  asio::awaitable<std::string> told_of(Json request) {
    if (!request.is_object()) co_return refusal("write one line of JSON, as in {\"verb\":\"ps\"}");
    auto reply = co_await answer_(std::move(request));
    co_return line_of(reply);
  }

  // Whatever a name holds: it is not the reason that there is no answer.
  static std::string line_of(const Json& reply) {
    return reply.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  static std::string refusal(const std::string& sentence) {
    Json reply = Json::object();
    reply["error"] = sentence;
    return line_of(reply);
  }

  // Beside the file's mode: a descriptor may have been handed on.
  [[nodiscard]] bool may_ask(int socket) const {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == limits_.owner;
  }

  asio::any_io_executor core_;
  stream_protocol::acceptor acceptor_;
  Listening listening_;
  Answer answer_;
  const SocketLimits limits_;
  Sockets open_;
  Wakeup one_ended_;
  bool closed_ = false;
};

Socket::Socket(asio::any_io_executor core, const std::optional<fs::path>& path, Answer answer,
               SocketLimits limits)
    : service_(std::make_shared<Service>(core, listen_somewhere(path), std::move(answer), limits)) {
  service_->start();
}

Socket::~Socket() { service_->close(); }

const fs::path& Socket::path() const { return service_->path(); }

}  // namespace temporal::supervisor::control
