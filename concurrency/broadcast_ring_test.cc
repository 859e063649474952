// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "concurrency/broadcast_ring.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "memory/shared_segment.h"
#include "memory/testing/own_name.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using Event = BroadcastEvent;

struct Quote {
  std::int64_t bid;
  std::int64_t ask;
  bool operator==(const Quote&) const = default;
};

template <typename T>
T must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

BroadcastWriter make(std::size_t slots, std::size_t max_bytes) {
  return must(BroadcastWriter::create_anonymous(
      {.slots = slots, .max_message_bytes = max_bytes}));
}

BroadcastReader reader_of(const BroadcastWriter& writer,
                          BroadcastFrom from = BroadcastFrom::kOldest,
                          BroadcastFrom after_lap = BroadcastFrom::kOldest) {
  return must(BroadcastReader::attach(writer.fd(), 0, from, after_lap));
}

// A name that no other test has, and none is left behind.
class Named {
 public:
  explicit Named(const char* test)
      : name_(own_name(std::string("/wirebook_broadcast_") + test)) {}
  ~Named() { (void)BroadcastWriter::unlink(name_); }
  const std::string& operator*() const { return name_; }

 private:
  std::string name_;
};

// What Event::kMessage gives, as a number; -1 otherwise.
int value_of(BroadcastReader& reader) {
  int value = -1;
  return reader.poll_value(value, 0).event == Event::kMessage ? value : -1;
}

TEST(BroadcastRing, AReaderHearsWhatIsPublished) {
  const Named name("hears");
  BroadcastWriter writer = must(BroadcastWriter::create(
      *name, {.slots = 64, .max_message_bytes = sizeof(Quote)}));
  BroadcastReader reader = must(BroadcastReader::attach(*name));
  EXPECT_TRUE(writer.publish_value(Quote{99, 101}));

  Quote seen{};
  const BroadcastPoll got = reader.poll_value(seen, 0);
  EXPECT_EQ(got.event, Event::kMessage);
  EXPECT_EQ(got.bytes, sizeof(Quote));
  EXPECT_EQ(seen, (Quote{99, 101}));
  EXPECT_EQ(reader.position(), 1u);
  EXPECT_EQ(reader.epoch(), 1u);
  EXPECT_EQ(reader.poll_value(seen, 0).event, Event::kEmpty);
}

TEST(BroadcastRing, EveryReaderHearsEachMessage) {
  BroadcastWriter writer = make(8, 8);
  BroadcastReader a = reader_of(writer);
  BroadcastReader b = reader_of(writer);
  for (int i = 0; i < 5; ++i) writer.publish_value(i);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(value_of(a), i);
    EXPECT_EQ(value_of(b), i);
  }
}

TEST(BroadcastRing, MessagesHaveAnyLengthUpToTheLimit) {
  constexpr std::size_t kMost = 100;
  BroadcastWriter writer = make(4, kMost);
  BroadcastReader reader = reader_of(writer);
  EXPECT_EQ(reader.max_message_bytes(), kMost);
  std::array<std::byte, kMost> in, out;
  for (std::size_t n = 0; n <= kMost; ++n) {
    in.fill(static_cast<std::byte>(n));
    out.fill(std::byte{0xEE});
    EXPECT_TRUE(writer.publish(std::span(in).first(n)));
    const BroadcastPoll got = reader.poll(out, 0);
    ASSERT_EQ(got.event, Event::kMessage);
    ASSERT_EQ(got.bytes, n);
    EXPECT_EQ(std::memcmp(in.data(), out.data(), n), 0);
    for (std::size_t i = n; i < kMost; ++i) EXPECT_EQ(out[i], std::byte{0xEE});
  }
  const std::array<std::byte, kMost + 1> longer{};
  EXPECT_FALSE(writer.publish(longer));
  EXPECT_EQ(writer.published(), kMost + 1);
  EXPECT_EQ(reader.poll(out, 0).event, Event::kEmpty);
}

TEST(BroadcastRing, AMessageThatDoesNotFitStays) {
  BroadcastWriter writer = make(4, 16);
  BroadcastReader reader = reader_of(writer);
  writer.publish_value(Quote{1, 2});
  std::array<std::byte, 15> small;
  const BroadcastPoll got = reader.poll(small, 0);
  EXPECT_EQ(got.event, Event::kWrongSize);
  EXPECT_EQ(got.bytes, 16u);
  std::array<int, 5> larger;
  EXPECT_EQ(reader.poll_value(larger, 0).event, Event::kWrongSize);
  Quote seen{};
  EXPECT_EQ(reader.poll_value(seen, 0).event, Event::kMessage);
  EXPECT_EQ(seen, (Quote{1, 2}));
}

TEST(BroadcastRing, SlotsAreRoundedUpToAPowerOfTwo) {
  EXPECT_EQ(make(2, 8).slots(), 2u);
  EXPECT_EQ(make(3, 8).slots(), 4u);
  EXPECT_EQ(make(64, 8).slots(), 64u);
  BroadcastWriter writer = make(65, 8);
  EXPECT_EQ(writer.slots(), 128u);
  EXPECT_EQ(reader_of(writer).slots(), 128u);
}

// ---- Joining and being lapped

TEST(BroadcastRing, AJoinerBeginsAtTheNewestOrTheOldest) {
  BroadcastWriter writer = make(8, 8);
  for (int i = 0; i < 20; ++i) writer.publish_value(i);
  BroadcastReader newest = reader_of(writer, BroadcastFrom::kNewest);
  EXPECT_EQ(value_of(newest), 19);
  EXPECT_EQ(value_of(newest), -1);
  BroadcastReader oldest = reader_of(writer, BroadcastFrom::kOldest);
  for (int i = 13; i < 20; ++i) EXPECT_EQ(value_of(oldest), i);
  EXPECT_EQ(value_of(oldest), -1);
  EXPECT_EQ(oldest.lost() + newest.lost(), 0u);
}

TEST(BroadcastRing, AReaderRejoinsWhereItLikes) {
  BroadcastWriter writer = make(8, 8);
  BroadcastReader reader = reader_of(writer);
  for (int i = 0; i < 8; ++i) writer.publish_value(i);
  EXPECT_TRUE(reader.rejoin(BroadcastFrom::kNewest).ok());
  EXPECT_EQ(value_of(reader), 7);
  EXPECT_TRUE(reader.rejoin(BroadcastFrom::kOldest).ok());
  EXPECT_EQ(value_of(reader), 1);
  EXPECT_EQ(reader.lost(), 0u);
}

TEST(BroadcastRing, ALappedReaderIsToldExactlyWhatItLost) {
  BroadcastWriter writer = make(8, 8);
  BroadcastReader keeps = reader_of(writer);
  BroadcastReader skips =
      reader_of(writer, BroadcastFrom::kOldest, BroadcastFrom::kNewest);
  for (int i = 0; i < 8; ++i) writer.publish_value(i);
  EXPECT_EQ(value_of(keeps), 0);  // A full ring is not a lap.
  EXPECT_EQ(value_of(skips), 0);
  for (int i = 8; i < 21; ++i) writer.publish_value(i);

  int value = 0;
  BroadcastPoll got = keeps.poll_value(value, 0);
  EXPECT_EQ(got.event, Event::kLapped);
  EXPECT_EQ(keeps.position(), 15u);
  EXPECT_EQ(got.lost, 14u);  // A quarter of the ring as a start: 21 - 6 - 1.
  for (int i = 15; i < 21; ++i) EXPECT_EQ(value_of(keeps), i);
  EXPECT_EQ(value_of(keeps), -1);
  EXPECT_EQ(keeps.received() + keeps.lost(), writer.published());
  EXPECT_EQ(keeps.laps(), 1u);

  got = skips.poll_value(value, 0);
  EXPECT_EQ(got.event, Event::kLapped);
  EXPECT_EQ(got.lost, 19u);
  EXPECT_EQ(value_of(skips), 20);
  EXPECT_EQ(skips.received() + skips.lost(), writer.published());
}

TEST(BroadcastRing, TheSmallestRingKeepsTheNewestMessage) {
  BroadcastWriter writer = make(2, 8);
  BroadcastReader reader = reader_of(writer);
  for (int i = 0; i < 5; ++i) writer.publish_value(i);
  int value = 0;
  EXPECT_EQ(reader.poll_value(value, 0).lost, 4u);
  EXPECT_EQ(value_of(reader), 4);
}

TEST(BroadcastRing, ABatchIsWhatIsThere) {
  BroadcastWriter writer = make(8, 8);
  BroadcastReader reader = reader_of(writer);
  for (int i = 0; i < 7; ++i) writer.publish_value(i);
  std::vector<int> seen;
  const auto collect = [&seen](std::span<const std::byte> bytes) {
    int value;
    ASSERT_EQ(bytes.size(), sizeof(value));
    std::memcpy(&value, bytes.data(), sizeof(value));
    seen.push_back(value);
  };
  BroadcastBatch batch = reader.poll_batch(4, 0, collect);
  EXPECT_EQ(batch.messages, 4u);
  EXPECT_EQ(batch.end.event, Event::kMessage);
  batch = reader.poll_batch(4, 0, collect);
  EXPECT_EQ(batch.messages, 3u);
  EXPECT_EQ(batch.end.event, Event::kEmpty);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reader.poll_batch(0, 0, collect).messages, 0u);
  writer.close();
  batch = reader.poll_batch(4, 0, collect);
  EXPECT_EQ(batch.messages, 0u);
  EXPECT_EQ(batch.end.event, Event::kClosed);
}

// ---- The writer's life

TEST(BroadcastRing, CloseIsToldWhenAllIsRead) {
  BroadcastWriter writer = make(8, 8);
  BroadcastReader reader = reader_of(writer);
  writer.publish_value(1);
  writer.close();
  EXPECT_FALSE(writer.publish_value(2));
  EXPECT_EQ(value_of(reader), 1);
  int value = 0;
  EXPECT_EQ(reader.poll_value(value, 0).event, Event::kClosed);
  EXPECT_EQ(reader.poll_value(value, 0).event, Event::kClosed);
  EXPECT_TRUE(reader.writer().is_closed);
}

TEST(BroadcastRing, ASilentWriterIsTakenForDeadUntilItIsHeardAgain) {
  BroadcastWriter writer = must(BroadcastWriter::create_anonymous(
      {.slots = 4, .max_message_bytes = 8, .heartbeat_timeout_ns = 100}));
  BroadcastReader reader = reader_of(writer);
  int value = 0;
  const auto at = [&](std::uint64_t now) {
    return reader.poll_value(value, now).event;
  };
  EXPECT_EQ(at(5000), Event::kEmpty);  // From now on it listens.
  EXPECT_EQ(at(5100), Event::kEmpty);
  EXPECT_EQ(at(5101), Event::kWriterDead);
  writer.heartbeat();
  EXPECT_EQ(at(5102), Event::kEmpty);
  EXPECT_EQ(at(5202), Event::kEmpty);
  EXPECT_EQ(at(5203), Event::kWriterDead);
  writer.publish_value(1);  // A message is a sign of life.
  EXPECT_EQ(at(5300), Event::kMessage);
  EXPECT_EQ(at(5400), Event::kEmpty);
  EXPECT_EQ(at(5401), Event::kWriterDead);
  EXPECT_EQ(at(5000), Event::kEmpty) << "a clock that goes back";
}

TEST(BroadcastRing, OneWriterAtATime) {
  const Named name("one");
  {
    BroadcastWriter writer = must(
        BroadcastWriter::create(*name, {.slots = 4, .max_message_bytes = 8}));
    EXPECT_TRUE(
        absl::IsFailedPrecondition(BroadcastWriter::take_over(*name).status()));
    EXPECT_TRUE(absl::IsAlreadyExists(
        BroadcastWriter::create(*name, {.slots = 4}).status()));
    BroadcastWriter moved = std::move(writer);
    EXPECT_TRUE(absl::IsFailedPrecondition(
        BroadcastWriter::take_over(moved.fd()).status()));
  }
  EXPECT_TRUE(BroadcastWriter::take_over(*name).ok());
}

TEST(BroadcastRing, ASuccessorGoesOnAndReadersAreTold) {
  const Named name("successor");
  const BroadcastOptions options = {.slots = 8, .max_message_bytes = 8};
  absl::StatusOr<BroadcastWriter> writer =
      BroadcastWriter::create(*name, options);
  BroadcastReader reader = must(BroadcastReader::attach(*name));
  writer->publish_value(1);
  writer = absl::UnknownError("gone");
  EXPECT_FALSE(reader.writer().is_alive);

  writer = BroadcastWriter::take_over(*name);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ(writer->epoch(), 2u);
  EXPECT_EQ(writer->published(), 1u);
  writer->publish_value(2);
  EXPECT_EQ(value_of(reader), 1);
  int value = 0;
  BroadcastPoll got = reader.poll_value(value, 0);
  EXPECT_EQ(got.event, Event::kNewWriter);
  EXPECT_EQ(reader.epoch(), 2u);
  got = reader.poll_value(value, 0);
  EXPECT_EQ(got.event, Event::kMessage);
  EXPECT_EQ(reader.position(), 2u);
  EXPECT_EQ(value, 2);

  // Also where it has said nothing yet, and after an end.
  writer->close();
  EXPECT_EQ(reader.poll_value(value, 0).event, Event::kClosed);
  writer = absl::UnknownError("gone");
  writer = BroadcastWriter::take_over(*name);
  EXPECT_EQ(reader.poll_value(value, 0).event, Event::kNewWriter);
  EXPECT_EQ(reader.poll_value(value, 0).event, Event::kEmpty);
  // Who joins now takes the one that it meets for granted.
  BroadcastReader late =
      must(BroadcastReader::attach(*name, 0, BroadcastFrom::kOldest));
  EXPECT_EQ(value_of(late), 1);
  EXPECT_EQ(late.poll_value(value, 0).event, Event::kNewWriter);
  EXPECT_EQ(value_of(late), 2);
}

TEST(BroadcastRing, TheWriterIsKnownByItsLockAndForPeopleByItsPid) {
  BroadcastWriter writer = make(4, 8);
  BroadcastReader reader = reader_of(writer);
  BroadcastWriterInfo info = reader.writer();
  EXPECT_TRUE(info.is_alive);
  EXPECT_TRUE(info.has_process);
  EXPECT_FALSE(info.is_closed);
  EXPECT_EQ(info.pid, getpid());
  EXPECT_GT(info.pid_started, 0u);
  EXPECT_EQ(info.epoch, 1u);
  { const BroadcastWriter gone = std::move(writer); }
  info = reader.writer();
  EXPECT_FALSE(info.is_alive);
  EXPECT_TRUE(info.has_process) << "the process lives, the writer does not";
}

TEST(BroadcastRing, AChildOfForkIsNoWriterAndHarmsNone) {
  BroadcastWriter writer = make(4, 8);
  BroadcastReader reader = reader_of(writer);
  const pid_t child = fork();
  if (child == 0) {
    { const BroadcastWriter mine = std::move(writer); }
    { const BroadcastReader mine = std::move(reader); }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  writer.publish_value(7);
  EXPECT_EQ(value_of(reader), 7);
  EXPECT_TRUE(reader.writer().is_alive);
}

TEST(BroadcastRing, AStoppedWriterIsAliveAndSilentAndNotSucceeded) {
  BroadcastWriter ours = make(4, 8);
  const int fd = dup(ours.fd());
  { const BroadcastWriter gone = std::move(ours); }
  const pid_t child = fork();
  if (child == 0) {
    const absl::StatusOr<BroadcastWriter> writer =
        BroadcastWriter::take_over(fd);
    if (!writer.ok()) _exit(1);
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  BroadcastReader reader = must(BroadcastReader::attach(fd));
  int value = 0;
  EXPECT_EQ(reader.poll_value(value, 1).event, Event::kEmpty);
  EXPECT_EQ(reader.poll_value(value, 2'000'000'000).event, Event::kWriterDead);
  EXPECT_TRUE(reader.writer().is_alive);
  EXPECT_EQ(reader.writer().pid, child);
  EXPECT_TRUE(reader.writer().has_process);
  EXPECT_FALSE(BroadcastWriter::take_over(fd).ok());
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(reader.writer().is_alive);
  EXPECT_FALSE(reader.writer().has_process);
  EXPECT_TRUE(BroadcastWriter::take_over(fd).ok());
  close(fd);
}

// ---- Set-up

TEST(BroadcastRing, ImpossibleRingsAreRefused) {
  const auto make_status = [](const BroadcastOptions& options) {
    return BroadcastWriter::create_anonymous(options).status();
  };
  EXPECT_TRUE(absl::IsInvalidArgument(make_status({.slots = 0})));
  EXPECT_TRUE(absl::IsInvalidArgument(make_status({.slots = 1})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      make_status({.slots = (std::size_t{1} << 32) + 1})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      make_status({.slots = 2, .max_message_bytes = (1 << 24) + 1})));
  EXPECT_TRUE(absl::IsInvalidArgument(make_status(
      {.slots = std::size_t{1} << 32, .max_message_bytes = 1 << 24})));
  EXPECT_TRUE(absl::IsResourceExhausted(
      make_status({.slots = std::size_t{1} << 32, .max_message_bytes = 8192})))
      << "more memory than there is";
  EXPECT_TRUE(make_status({.slots = 2, .max_message_bytes = 0}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      BroadcastWriter::create("", {.slots = 2}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      BroadcastWriter::create("a/b", {.slots = 2}).status()));
  EXPECT_FALSE(
      make_status({.slots = 2,
                   .placement = {.policy = NumaPolicy::kBind, .node = 1000}})
          .ok());
}

TEST(BroadcastRing, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(BroadcastReader::attach("/no_ring").status()));
  EXPECT_TRUE(absl::IsNotFound(BroadcastWriter::take_over("no_ring").status()));
  EXPECT_TRUE(absl::IsNotFound(BroadcastWriter::unlink("no_ring")));
  EXPECT_FALSE(BroadcastReader::attach(-1).ok());
}

TEST(BroadcastRing, AReaderNeedsToReadOnly) {
  const Named name("readonly");
  BroadcastWriter writer = must(
      BroadcastWriter::create(*name, {.slots = 4, .max_message_bytes = 8}));
  const int fd = open(("/dev/shm" + *name).c_str(), O_RDONLY);
  ASSERT_GE(fd, 0);
  BroadcastReader reader = must(BroadcastReader::attach(fd));
  EXPECT_TRUE(reader.writer().is_alive);
  writer.publish_value(3);
  EXPECT_EQ(value_of(reader), 3);
  close(fd);
}

TEST(BroadcastRing, TheModeIsTheCallers) {
  const Named name("mode");
  const BroadcastWriter writer = must(BroadcastWriter::create(
      *name, {.slots = 4, .max_message_bytes = 8, .mode = 0640}));
  struct stat status;
  ASSERT_EQ(stat(("/dev/shm" + *name).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777 & ~0640u, 0u);
  EXPECT_EQ(status.st_mode & 0600, 0600u);
}

// ---- Against a model

// Numbers of the messages that are there, as the ring's text says.
TEST(BroadcastRing, RandomOperationsAgreeWithAModel) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const std::size_t slots = std::size_t{2} << random() % 5;
    BroadcastWriter writer = make(slots, 64);
    BroadcastReader reader = reader_of(writer);
    std::deque<std::string> sent;  // All of them; the ring has the last.
    std::uint64_t next = 0;
    for (int i = 0; i < 400; ++i) {
      if (random() % 100 < 52) {
        sent.emplace_back(random() % 65, static_cast<char>(random() % 256));
        ASSERT_TRUE(writer.publish(std::as_bytes(std::span(sent.back()))));
        continue;
      }
      std::array<std::byte, 64> out;
      const BroadcastPoll got = reader.poll(out, 0);
      if (next == sent.size()) {
        ASSERT_EQ(got.event, Event::kEmpty);
      } else if (sent.size() - next > slots) {
        ASSERT_EQ(got.event, Event::kLapped);
        const std::uint64_t before = next;
        next = sent.size() - std::max<std::size_t>(slots / 4 * 3, 1);
        ASSERT_EQ(got.lost, next - before);
      } else {
        ASSERT_EQ(got.event, Event::kMessage);
        const std::string& expected = sent[next++];
        ASSERT_EQ(got.bytes, expected.size());
        ASSERT_EQ(std::memcmp(out.data(), expected.data(), got.bytes), 0);
      }
      ASSERT_EQ(reader.position(), next);
      ASSERT_EQ(reader.received() + reader.lost(), next);
    }
  }
}

// ---- Threads

// The words of a message are all functions of its number, and so is its length.
std::size_t length_of(std::uint64_t number) { return 8 * (1 + number % 7); }

std::array<std::uint64_t, 7> words_of(std::uint64_t number) {
  std::array<std::uint64_t, 7> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = (number + 1) * 0x9E3779B97F4A7C15u + i;
  }
  return words;
}

struct Heard {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t wrong = 0;
};

Heard listen(BroadcastReader reader) {
  Heard heard;
  for (;;) {
    std::array<std::uint64_t, 7> words;
    const BroadcastPoll got =
        reader.poll(std::as_writable_bytes(std::span(words)), 0);
    if (got.event == Event::kMessage) {
      const std::uint64_t number = heard.received + heard.lost;
      const auto expected = words_of(number);
      heard.wrong += reader.position() != number + 1 ||
                     got.bytes != length_of(number) ||
                     std::memcmp(words.data(), expected.data(), got.bytes) != 0;
      ++heard.received;
    } else if (got.event == Event::kLapped) {
      heard.lost += got.lost;
    } else if (got.event == Event::kClosed) {
      return heard;
    } else {
      heard.wrong += got.event != Event::kEmpty;
      std::this_thread::yield();
    }
  }
}

TEST(BroadcastRing, EachReaderReceivedOrWasToldThatItLostAllThatWasSent) {
  for (Soak soak; soak.goes_on();) {
    constexpr std::uint64_t kMessages = 200'000;
    BroadcastWriter writer = make(16, 56);
    std::array<Heard, 3> heard;
    std::vector<std::thread> threads;
    for (Heard& one : heard) {
      threads.emplace_back(
          [&one, reader = std::make_shared<BroadcastReader>(
                     reader_of(writer))] { one = listen(std::move(*reader)); });
    }
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const auto words = words_of(i);
      writer.publish(std::as_bytes(std::span(words)).first(length_of(i)));
      if (i % 64 == 0) std::this_thread::yield();
    }
    writer.close();
    for (std::thread& thread : threads) thread.join();
    for (const Heard& one : heard) {
      EXPECT_EQ(one.received + one.lost, kMessages);
      EXPECT_EQ(one.wrong, 0u);
      EXPECT_GT(one.received, 0u);
    }
  }
}

// ---- Hostile contents

// A ring's file, written past the ring. Offsets as in BroadcastHeader.
class Hostile {
 public:
  explicit Hostile(int fd) : bytes_(size_of(fd)) {
    void* memory =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) std::abort();
    words_ = static_cast<std::atomic<std::uint64_t>*>(memory);
  }
  Hostile(const Hostile&) = delete;
  Hostile& operator=(const Hostile&) = delete;
  ~Hostile() { munmap(words_, bytes_); }

  std::atomic<std::uint64_t>& head() { return words_[16]; }
  std::atomic<std::uint64_t>& life() { return words_[32]; }
  // Of a ring of messages up to 48 bytes.
  std::atomic<std::uint64_t>& slot(std::size_t index, std::size_t word) {
    return words_[64 + 8 * index + word];
  }
  std::atomic<std::uint64_t>& word(std::size_t index) { return words_[index]; }
  std::size_t words() const { return bytes_ / 8; }

 private:
  static std::size_t size_of(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 ? static_cast<std::size_t>(status.st_size)
                                   : 0;
  }
  std::size_t bytes_;
  std::atomic<std::uint64_t>* words_;
};

TEST(BroadcastRingHostile, FilesThatAreNoRingAreRefused) {
  const BroadcastWriter writer = make(4, 48);
  const auto attach = [](int fd) {
    return BroadcastReader::attach(fd).status();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(
      BroadcastReader::attach(writer.fd(), 8).status()))
      << "another layout";
  EXPECT_TRUE(attach(writer.fd()).ok());
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(attach(pipe_ends[0])));
  close(pipe_ends[0]);
  close(pipe_ends[1]);

  const int copy = memfd_create("copy", MFD_CLOEXEC);
  std::vector<char> bytes(4096);
  ASSERT_EQ(pread(writer.fd(), bytes.data(), bytes.size(), 0), 4096);
  EXPECT_TRUE(absl::IsFailedPrecondition(attach(copy))) << "empty";
  ASSERT_EQ(pwrite(copy, bytes.data(), 64, 0), 64);
  EXPECT_TRUE(absl::IsFailedPrecondition(attach(copy))) << "cut in its header";
  ASSERT_EQ(pwrite(copy, bytes.data(), 2048, 0), 2048);
  EXPECT_TRUE(absl::IsFailedPrecondition(attach(copy))) << "cut after it";
  ASSERT_EQ(pwrite(copy, bytes.data(), 4096, 0), 4096);
  EXPECT_TRUE(attach(copy).ok());
  ASSERT_EQ(ftruncate(copy, 8192), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(attach(copy))) << "extended";
  close(copy);
}

TEST(BroadcastRingHostile, AHeaderWithAnyBitWrongIsRefused) {
  const BroadcastWriter writer = make(4, 48);
  Hostile ring(writer.fd());
  for (std::size_t word = 0; word < 8; ++word) {
    for (int bit = 0; bit < 64; ++bit) {
      ring.word(word) ^= std::uint64_t{1} << bit;
      EXPECT_TRUE(absl::IsFailedPrecondition(
          BroadcastReader::attach(writer.fd()).status()))
          << word << " " << bit;
      ring.word(word) ^= std::uint64_t{1} << bit;
    }
  }
  EXPECT_TRUE(BroadcastReader::attach(writer.fd()).ok());
}

TEST(BroadcastRingHostile, SizesThatContradictEachOtherAreRefused) {
  BroadcastWriter writer = make(64, 4080);
  Hostile ring(writer.fd());
  // With its checksum right, FNV-1a over the seven words before it.
  const auto refused_with = [&](std::size_t word, std::uint64_t value) {
    const std::uint64_t before = ring.word(word).exchange(value);
    std::array<std::uint64_t, 7> header;
    for (std::size_t i = 0; i < 7; ++i) header[i] = ring.word(i);
    ring.word(7) = internal::segment_checksum(header.data(), sizeof(header));
    const absl::Status status = BroadcastReader::attach(writer.fd()).status();
    ring.word(word) = before;
    return absl::IsFailedPrecondition(status);
  };
  for (const std::uint64_t slots : {0ull, 1ull, 3ull, 63ull, 65ull, 128ull,
                                    1ull << 31, 1ull << 33, ~0ull}) {
    EXPECT_TRUE(refused_with(2, slots)) << slots;
  }
  for (const std::uint64_t bytes : {0ull, 4081ull, 1ull << 24, ~0ull}) {
    EXPECT_TRUE(refused_with(3, bytes)) << bytes;
  }
  EXPECT_TRUE(refused_with(6, 8192));
  EXPECT_TRUE(refused_with(1, 2)) << "a later version";
  EXPECT_FALSE(refused_with(2, 64));
}

TEST(BroadcastRingHostile, AHeadThatItsSlotDoesNotConfirmIsDataLoss) {
  absl::StatusOr<BroadcastWriter> writer = make(4, 48);
  for (int i = 0; i < 6; ++i) writer->publish_value(i);
  BroadcastReader reader = reader_of(*writer);
  const int fd = dup(writer->fd());
  writer = absl::UnknownError("gone");
  Hostile ring(fd);
  for (const std::uint64_t head :
       {7ull, 8ull, 1ull << 40, 1ull << 62, 1ull << 63, ~0ull}) {
    ring.head() = head;
    EXPECT_TRUE(absl::IsDataLoss(BroadcastReader::attach(fd).status())) << head;
    EXPECT_TRUE(absl::IsDataLoss(BroadcastWriter::take_over(fd).status()))
        << head;
    EXPECT_TRUE(absl::IsDataLoss(reader.rejoin(BroadcastFrom::kNewest)));
  }
  ring.head() = 6;
  EXPECT_TRUE(BroadcastReader::attach(fd).ok());
  EXPECT_EQ(must(BroadcastWriter::take_over(fd)).epoch(), 2u);
  close(fd);
}

TEST(BroadcastRingHostile, ALengthBeyondTheLimitIsDamage) {
  BroadcastWriter writer = make(4, 48);
  BroadcastReader reader = reader_of(writer);
  Hostile ring(writer.fd());
  std::array<std::byte, 4096> large;
  writer.publish_value(1);
  for (const std::uint64_t length : {49ull, 4096ull, 0xFFFFFFFFull}) {
    ring.slot(0, 1) = std::uint64_t{1} << 32 | length;
    EXPECT_EQ(reader.poll(large, 0).event, Event::kDamaged) << length;
  }
  ring.slot(0, 1) = std::uint64_t{1} << 32 | 48;
  EXPECT_EQ(reader.poll(large, 0).event, Event::kMessage);
}

TEST(BroadcastRingHostile, AStateOfAnotherSlotOrBeyondTheHeadIsDamage) {
  BroadcastWriter writer = make(4, 48);
  BroadcastReader reader = reader_of(writer);
  Hostile ring(writer.fd());
  std::array<std::byte, 48> out;
  for (const std::uint64_t state :
       {3ull, 4ull, 9ull, 10ull, 1ull << 63, ~0ull}) {
    ring.slot(0, 0) = state;
    EXPECT_EQ(reader.poll(out, 0).event, Event::kDamaged) << state;
    EXPECT_EQ(reader.position(), 0u);
  }
  ring.slot(0, 0) = 0;
  EXPECT_EQ(reader.poll(out, 0).event, Event::kEmpty);
}

// Whatever is written where: every poll returns, and stays in the ring (which
// AddressSanitizer and the kernel watch).
TEST(BroadcastRingHostile, AnyContentsAtAllAreSurvived) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  BroadcastWriter writer = make(4, 48);
  BroadcastReader reader = reader_of(writer);
  Hostile ring(writer.fd());
  const auto any_value = [&]() -> std::uint64_t {
    switch (random() % 4) {
      case 0:
        return random();
      case 1:
        return random() % 64;
      case 2:
        return ~std::uint64_t{0} - random() % 64;
      default:
        return std::uint64_t{1} << random() % 64;
    }
  };
  std::array<std::byte, 48> out;
  for (int i = 0; i < 200'000; ++i) {
    ring.word(random() % (ring.words() / 4)) = any_value();
    const BroadcastPoll got = reader.poll(out, i);
    EXPECT_LE(static_cast<int>(got.event), static_cast<int>(Event::kDamaged));
    if (got.event == Event::kMessage) {
      EXPECT_LE(got.bytes, out.size());
    }
    if (random() % 16 == 0) (void)reader.rejoin(BroadcastFrom::kOldest);
    if (random() % 16 == 0) writer.publish_value(i);
  }
}

static_assert(!std::is_copy_constructible_v<BroadcastWriter>);
static_assert(!std::is_copy_constructible_v<BroadcastReader>);
static_assert(std::is_nothrow_move_constructible_v<BroadcastWriter>);

}  // namespace
}  // namespace wirebook
