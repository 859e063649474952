// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A broadcast ring's writers under SIGKILL: after every single instruction
// (ptrace), and at random moments.
//
//   WIREBOOK_KILLS=20000      random kills in place of 200
//   WIREBOOK_KILL_SEED=N      repeats a run, as far as the scheduler lets it
//   WIREBOOK_EVERY_STEP=1     the long operations, too, after every instruction
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <ostream>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "concurrency/broadcast_ring.h"
#include "gtest/gtest.h"
#include "memory/testing/own_name.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using Event = BroadcastEvent;

// Says its number and its writer in several words.
struct Stamped {
  std::array<std::uint64_t, 3> words;
};

constexpr std::size_t kSlots = 8;
constexpr BroadcastOptions kOptions = {.slots = kSlots,
                                       .max_message_bytes = sizeof(Stamped)};

Stamped stamped(std::uint64_t number, std::uint64_t epoch) {
  Stamped stamp;
  for (std::size_t i = 0; i < stamp.words.size(); ++i) {
    stamp.words[i] = (number << 20 | epoch) * (2 * i + 1);
  }
  return stamp;
}

void publish(BroadcastWriter& writer) {
  writer.publish_value(stamped(writer.published(), writer.epoch()));
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <typename T>
T must(absl::StatusOr<T> value) {
  EXPECT_TRUE(value.ok()) << value.status();
  if (!value.ok()) std::abort();
  return *std::move(value);
}

void kill_and_wait(pid_t pid) {
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  int status = 0;
  do {
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
  } while (WIFSTOPPED(status));
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

// A reader that checks all that it is told.
class Watch {
 public:
  explicit Watch(int fd, BroadcastFrom from = BroadcastFrom::kOldest)
      : reader_(must(BroadcastReader::attach(fd, 0, from))),
        expected_(reader_.position()) {}

  Event poll() {
    Stamped seen{};
    const BroadcastPoll got = reader_.poll_value(seen, 0);
    switch (got.event) {
      case Event::kMessage:
        if (epoch_ == 0) epoch_ = reader_.epoch();
        wrong_ += reader_.epoch() != epoch_ ||
                  seen.words != stamped(expected_, epoch_).words;
        ++expected_;
        break;
      case Event::kLapped:
        wrong_ += got.lost == 0;
        expected_ += got.lost;
        break;
      case Event::kNewWriter:
        wrong_ += reader_.epoch() <= epoch_;
        epoch_ = reader_.epoch();
        break;
      case Event::kEmpty:
      case Event::kClosed:
        break;
      default:
        ++wrong_;
    }
    wrong_ += reader_.position() != expected_;
    return got.event;
  }

  // What ended it: kEmpty or kClosed.
  Event drain() {
    for (;;) {
      const Event event = poll();
      if (event == Event::kEmpty || event == Event::kClosed) return event;
    }
  }

  const BroadcastReader& reader() const { return reader_; }
  std::uint64_t wrong() const { return wrong_; }
  std::uint32_t epoch() const { return epoch_; }

 private:
  BroadcastReader reader_;
  std::uint64_t expected_;
  std::uint32_t epoch_ = 0;
  std::uint64_t wrong_ = 0;
};

// ---- After every instruction

#if !defined(__SANITIZE_THREAD__)

// What a child has when its operation begins; it does not end by itself.
struct Scene {
  BroadcastWriter* writer = nullptr;  // Null in `take_over`.
  Stamped message;                    // The next one.
  int fd = -1;
};

struct Operation {
  const char* name;
  bool attached;       // The child is the writer before.
  std::uint64_t most;  // Messages that it may have published.
  std::size_t stride;  // Of the instructions at which it is killed.
  void (*run)(Scene&);
};

void PrintTo(const Operation& operation, std::ostream* out) {
  *out << operation.name;
}

const Operation kPublish = {"publish", true, 1, 1, [](Scene& s) {
                              s.writer->publish_value(s.message);
                            }};
const Operation kHeartbeat = {"heartbeat", true, 0, 1,
                              [](Scene& s) { s.writer->heartbeat(); }};
const Operation kClose = {"close", true, 0, 1,
                          [](Scene& s) { s.writer->close(); }};
const Operation kDetach = {"detach", true, 0, 11,
                           [](Scene& s) { s.writer->~BroadcastWriter(); }};
const Operation kTakeOver = {"take_over", false, 0, 997, [](Scene& s) {
                               (void)BroadcastWriter::take_over(s.fd);
                             }};

// A ring in which the child, of epoch 2, has written messages 5 and 6, and
// stands before its operation.
class Stage {
 public:
  explicit Stage(const Operation& operation) {
    {
      BroadcastWriter first = must(BroadcastWriter::create_anonymous(kOptions));
      scene_.fd = dup(first.fd());
      for (int i = 0; i < 5; ++i) publish(first);
    }
    pid_ = fork();
    if (pid_ == 0) play(operation);
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) << status;
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() { close(scene_.fd); }

  [[noreturn]] void play(const Operation& operation) {
    alignas(BroadcastWriter) unsigned char place[sizeof(BroadcastWriter)];
    if (operation.attached) {
      absl::StatusOr<BroadcastWriter> writer =
          BroadcastWriter::take_over(scene_.fd);
      if (!writer.ok()) _exit(1);
      scene_.writer = new (place) BroadcastWriter(*std::move(writer));
      publish(*scene_.writer);
      publish(*scene_.writer);
      scene_.message = stamped(scene_.writer->published(), 2);
    }
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    operation.run(scene_);
    raise(SIGUSR1);
    _exit(0);
  }

  // Runs `steps` instructions, then kills. False where the operation was over.
  bool run(std::size_t steps) {
    bool inside = true;
    for (std::size_t i = 0; i < steps && inside; ++i) {
      int status = 0;
      EXPECT_EQ(ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr), 0);
      EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
      EXPECT_TRUE(WIFSTOPPED(status)) << "the child ended: " << status;
      inside = WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
    }
    kill_and_wait(pid_);
    return inside;
  }

  int fd() const { return scene_.fd; }

 private:
  Scene scene_;
  pid_t pid_ = -1;
};

bool live_and_die(const Operation& operation, std::size_t steps) {
  Stage stage(operation);
  Watch early(stage.fd());
  early.drain();
  const std::uint64_t before = early.reader().position();
  EXPECT_EQ(before, operation.attached ? 7u : 5u);

  const bool inside = stage.run(steps);
  SCOPED_TRACE(testing::Message() << operation.name << ", killed after "
                                  << steps << " instructions");
  Watch late(stage.fd(), BroadcastFrom::kNewest);
  for (Watch* watch : {&early, &late}) {
    watch->drain();
    EXPECT_FALSE(watch->reader().writer().is_alive);
  }
  const std::uint64_t after = early.reader().position();
  EXPECT_LE(after, before + operation.most);

  {
    BroadcastWriter successor = must(BroadcastWriter::take_over(stage.fd()));
    EXPECT_EQ(successor.published(), after) << "what readers saw, and no gap";
    EXPECT_GT(successor.epoch(), operation.attached ? 2u : 1u);
    for (std::size_t i = 0; i < kSlots - 1; ++i) publish(successor);
    successor.close();
    for (Watch* watch : {&early, &late}) {
      EXPECT_EQ(watch->drain(), Event::kClosed);
      EXPECT_EQ(watch->wrong(), 0u);
      EXPECT_EQ(watch->epoch(), successor.epoch());
      EXPECT_EQ(watch->reader().position(), successor.published());
      EXPECT_EQ(watch->reader().lost(), 0u);
    }
    EXPECT_EQ(early.reader().received(), successor.published());
  }
  return inside;
}

class KilledAfterEveryInstruction : public testing::TestWithParam<Operation> {};

TEST_P(KilledAfterEveryInstruction, OfAnOperation) {
  const Operation& operation = GetParam();
  const std::size_t stride =
      number_from("WIREBOOK_EVERY_STEP", 0) != 0 ? 1 : operation.stride;
  std::size_t steps = 0;
  while (live_and_die(operation, steps) && !HasFailure()) steps += stride;
  RecordProperty("instructions", std::to_string(steps));
  // It was stepped through, not run to its end at once.
  EXPECT_GT(steps, 20u);
}

std::string name_of(const testing::TestParamInfo<Operation>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(BroadcastRing, KilledAfterEveryInstruction,
                         testing::Values(kPublish, kHeartbeat, kClose, kDetach,
                                         kTakeOver),
                         name_of);

#else

TEST(KilledAfterEveryInstruction, OfAnOperation) {
  GTEST_SKIP() << "ThreadSanitizer's runtime is in each step: a hundred times "
                  "as many, none of them of the ring";
}

#endif

// ---- At random moments

std::uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Takes over, and publishes until it is killed.
pid_t start_writer(int fd) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  absl::StatusOr<BroadcastWriter> writer = BroadcastWriter::take_over(fd);
  if (!writer.ok()) _exit(1);
  for (;;) {
    for (int i = 0; i < 64; ++i) publish(*writer);
    writer->heartbeat();
  }
}

// A child that the writer forked lives on, without the ring and its lock.
TEST(BroadcastRingKills, AChildOfAKilledWriterKeepsNoSuccessorOut) {
  const std::string name = own_name("/wirebook_fork");
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t writer = fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    const auto ring = BroadcastWriter::create(name, kOptions);
    const pid_t child = ring.ok() ? fork() : -1;
    if (child != 0 && write(pipes[1], &child, sizeof(child)) < 0) _exit(1);
    pause();
    _exit(0);
  }
  pid_t child = -1;
  ASSERT_EQ(read(pipes[0], &child, sizeof(child)), ssize_t{sizeof(child)});
  ASSERT_GT(child, 0);
  kill_and_wait(writer);
  EXPECT_TRUE(BroadcastWriter::take_over(name).ok());
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_TRUE(BroadcastWriter::unlink(name).ok());
  close(pipes[0]);
  close(pipes[1]);
}

// A reader with a lock on the file is taken for no writer, and a successor is
// told that it is the one who keeps it out.
TEST(BroadcastRingKills, AReadersLockIsNoWriter) {
  int fd = -1;
  {
    const BroadcastWriter first =
        must(BroadcastWriter::create_anonymous(kOptions));
    fd = dup(first.fd());
  }
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t locker = fork();
  ASSERT_GE(locker, 0);
  if (locker == 0) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    const int own = open(path.c_str(), O_RDONLY);
    if (fcntl(own, F_OFD_SETLK, &lock) != 0) _exit(1);
    if (write(pipes[1], "x", 1) != 1) _exit(2);
    for (;;) pause();
  }
  close(pipes[1]);
  char byte;
  ASSERT_EQ(read(pipes[0], &byte, 1), 1);
  const BroadcastReader reader = must(BroadcastReader::attach(fd));
  EXPECT_FALSE(reader.writer().is_alive);
  const absl::Status refused = BroadcastWriter::take_over(fd).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_NE(refused.message().find("reader's lock"), std::string::npos);
  kill_and_wait(locker);
  const BroadcastWriter successor = must(BroadcastWriter::take_over(fd));
  EXPECT_TRUE(reader.writer().is_alive);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(BroadcastWriter::take_over(fd).status()));
  close(pipes[0]);
  close(fd);
}

TEST(BroadcastRingKills, AtRandomMomentsLeaveNoGapAndNoHalfMessage) {
  const std::uint64_t kills = number_from("WIREBOOK_KILLS", 200);
  const std::uint64_t seed =
      number_from("WIREBOOK_KILL_SEED", std::random_device()());
  SCOPED_TRACE(testing::Message() << "WIREBOOK_KILL_SEED=" << seed);
  std::mt19937_64 random(seed);
  int fd = -1;
  {
    const BroadcastWriter first =
        must(BroadcastWriter::create_anonymous(kOptions));
    fd = dup(first.fd());
  }
  Watch eager(fd);
  Watch lazy(fd);
  Soak soak;
  for (std::uint64_t i = 0; i < kills || soak.goes_on(); ++i) {
    const pid_t writer = start_writer(fd);
    const std::uint64_t end = now_ns() + random() % 2'000'000;
    while (now_ns() < end) {
      for (int k = 0; k < 50; ++k) eager.poll();
      lazy.poll();
    }
    kill_and_wait(writer);
  }
  BroadcastWriter last = must(BroadcastWriter::take_over(fd));
  publish(last);
  last.close();
  for (Watch* watch : {&eager, &lazy}) {
    EXPECT_EQ(watch->drain(), Event::kClosed);
    EXPECT_EQ(watch->wrong(), 0u);
    EXPECT_EQ(watch->epoch(), last.epoch());
    EXPECT_EQ(watch->reader().received() + watch->reader().lost(),
              last.published());
  }
  // More than the last one; how many is the machine's affair.
  EXPECT_GT(eager.reader().received(), 1u);
  RecordProperty("published", std::to_string(last.published()));
  RecordProperty("received", std::to_string(eager.reader().received()));
  RecordProperty("laps", std::to_string(eager.reader().laps()));
  close(fd);
}

}  // namespace
}  // namespace wirebook
