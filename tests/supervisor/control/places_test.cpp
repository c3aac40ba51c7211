// SPDX-License-Identifier: MIT
#include "supervisor/control/places.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <string>

#include "supervisor/control/socket.hpp"
#include "tests/support/folder.hpp"

using namespace temporal::supervisor::control;
using temporal::test::Folder;
namespace fs = std::filesystem;

namespace {

// The two folders of a user who has nothing else.
struct Places {
  Places() {
    fs::create_directory(folder.path() / "run");
    ::setenv("XDG_RUNTIME_DIR", (folder.path() / "run").c_str(), 1);
    const char* tmp = std::getenv("TMPDIR");
    if (tmp) tmpdir = tmp;
    ::setenv("TMPDIR", folder.path().c_str(), 1);
  }
  ~Places() {
    ::unsetenv("XDG_RUNTIME_DIR");
    tmpdir.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", tmpdir.c_str(), 1);
  }
  fs::path of_session() const { return folder.path() / "run/temporal-supervisor"; }
  fs::path of_user() const {
    return folder.path() / ("temporal-supervisor-" + std::to_string(::geteuid()));
  }
  Folder folder;
  std::string tmpdir;
};

}  // namespace

TEST_CASE(
    "LC10 a worker's socket is in the session's folder, or else in one of its user below /tmp") {
  const Places places;
  CHECK(folders() == std::vector{places.of_session(), places.of_user()});
  CHECK(make_folder() == places.of_session());
  struct stat is {};
  REQUIRE(::lstat(places.of_session().c_str(), &is) == 0);
  CHECK((is.st_mode & 07777) == 0700);

  fs::remove_all(places.folder.path() / "run");
  CHECK(make_folder() == places.of_user());
  ::setenv("XDG_RUNTIME_DIR", "relative", 1);
  CHECK(folders() == std::vector{places.of_user()});
}

TEST_CASE("LC10 a folder that others may write is not used, and what is wrong is said") {
  const Places places;
  for (const auto& folder : {places.of_session(), places.of_user()}) {
    fs::create_directory(folder);
    ::chmod(folder.c_str(), 0777);
  }
  CHECK_THROWS_WITH_AS(make_folder(), doctest::Contains("others may use it too"), ControlError);
  fs::remove(places.of_user());
  fs::create_symlink(places.folder.path(), places.of_user());
  CHECK_THROWS_WITH_AS(make_folder(), doctest::Contains("it is no folder"), ControlError);
}

TEST_CASE("LC10 those that listen are found; what dead ones left is cleared away") {
  const Places places;
  CHECK(find_workers().empty());
  boost::asio::io_context context;
  {
    const Socket socket(context.get_executor(), std::nullopt, nullptr);
    CHECK(socket.path() == socket_in(places.of_session(), ::getpid()));
    const auto found = find_workers();
    REQUIRE(found.size() == 1);
    CHECK(found[0].pid == ::getpid());
    CHECK(found[0].socket == socket.path());

    // No process has a number that large. It stands for a worker that was killed.
    const auto left = socket_in(places.of_session(), 2'000'000'000);
    fs::create_hard_link(socket.path(), left);
    CHECK(make_folder() == places.of_session());
    CHECK_MESSAGE(fs::exists(left), "somebody listens there");
  }
  context.poll();
  CHECK_MESSAGE(fs::exists(places.of_session()), "another's socket is in it");
  CHECK(find_workers().empty());
  CHECK(make_folder() == places.of_session());
  CHECK(fs::is_empty(places.of_session()));
  { const Socket again(context.get_executor(), std::nullopt, nullptr); }
  CHECK_MESSAGE(!fs::exists(places.of_session()), "the last one takes the folder along");
}
