// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_frame_parser.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using testing::close_frame;
using testing::server_frame;
using Event = WebSocketEvent;

// What a stream comes to, in a form that can be compared.
struct Outcome {
  std::vector<std::string> messages;  // "1:text", put together
  std::vector<std::string> controls;  // "9:payload", "8:1000:reason"
  WebSocketError error = WebSocketError::kNone;
  uint16_t code = 0;
  bool ended = false;
  bool operator==(const Outcome&) const = default;
};

// Feeds `stream` as a reader does: what is not consumed is seen again, longer.
// It arrives up to the given borders. Each view is copied to the heap, so that
// ASan sees a read beyond it.
Outcome run_cut(const std::string& stream, const std::vector<size_t>& borders,
                const WebSocketFrameParserOptions& options = {}) {
  WebSocketFrameParser parser(options);
  Outcome outcome;
  std::string open;
  size_t at = 0;
  for (const size_t border : borders) {
    while (!outcome.ended) {
      const size_t size = border - at;
      const std::unique_ptr<char[]> view(new char[size]);
      std::copy_n(stream.data() + at, size, view.get());
      WebSocketFrame frame;
      const Event event = parser.next(view.get(), size, &frame);
      if (event == Event::kNeedMore) {
        EXPECT_GT(parser.wanted(), size);
        break;
      }
      const std::string kind =
          std::to_string(static_cast<int>(frame.opcode)) + ":";
      if (event == Event::kMessage) {
        outcome.messages.push_back(kind +
                                   std::string(frame.payload, frame.size));
      } else if (event == Event::kFragment) {
        open.append(frame.payload, frame.size);
        if (frame.last) {
          outcome.messages.push_back(kind + open);
          open.clear();
        }
      } else if (event == Event::kError) {
        outcome.error = frame.error;
        outcome.code = frame.close_code;
        outcome.ended = true;
      } else {
        std::string text = kind;
        if (event == Event::kClose) {
          text += std::to_string(frame.close_code) + ":";
          outcome.ended = true;
        }
        text.append(frame.payload, frame.size);
        outcome.controls.push_back(text);
      }
      at += frame.consumed;
    }
  }
  return outcome;
}

Outcome run(const std::string& stream,
            const WebSocketFrameParserOptions& options = {}) {
  return run_cut(stream, {stream.size()}, options);
}

TEST(WebSocketFrameParserTest, FindsMessagesInPlace) {
  const std::string stream =
      server_frame(0x1, "hello") + server_frame(0x2, "\xff\xfe");
  WebSocketFrameParser parser({});
  WebSocketFrame frame;
  ASSERT_EQ(parser.next(stream.data(), stream.size(), &frame), Event::kMessage);
  EXPECT_EQ(frame.payload, stream.data() + 2) << "not a copy";
  EXPECT_EQ(frame.size, 5u);
  EXPECT_EQ(frame.opcode, WebSocketOpcode::kText);
  const size_t first = frame.consumed;
  ASSERT_EQ(parser.next(stream.data() + first, stream.size() - first, &frame),
            Event::kMessage);
  EXPECT_EQ(frame.opcode, WebSocketOpcode::kBinary);
  EXPECT_EQ(first + frame.consumed, stream.size());
}

TEST(WebSocketFrameParserTest, AllLengthForms) {
  for (const size_t size : {0, 1, 125, 126, 127, 65535, 65536, 70000}) {
    const std::string payload(size, 'x');
    const Outcome outcome = run(server_frame(0x1, payload));
    ASSERT_EQ(outcome.messages.size(), 1u) << size;
    EXPECT_EQ(outcome.messages[0], "1:" + payload);
  }
}

TEST(WebSocketFrameParserTest, LengthsThatAreNotMinimalAreRefused) {
  EXPECT_EQ(
      run(std::string("\x81\x7e\x00\x7d", 4) + std::string(125, 'x')).error,
      WebSocketError::kLengthNotMinimal);
  EXPECT_EQ(run(std::string("\x82\x7f\0\0\0\0\0\0\xff\xff", 10)).error,
            WebSocketError::kLengthNotMinimal);
  EXPECT_EQ(run(std::string("\x82\x7f\x80\0\0\0\0\0\0\0", 10)).error,
            WebSocketError::kLengthTooLarge);
}

TEST(WebSocketFrameParserTest, FragmentsWithControlFramesBetween) {
  const Outcome outcome =
      run(server_frame(0x1, "a", false) + server_frame(0x9, "p") +
          server_frame(0x0, "", false) + server_frame(0xa, "q") +
          server_frame(0x0, "b") + server_frame(0x1, "c"));
  EXPECT_EQ(outcome.messages, (std::vector<std::string>{"1:ab", "1:c"}));
  EXPECT_EQ(outcome.controls, (std::vector<std::string>{"9:p", "10:q"}));
}

TEST(WebSocketFrameParserTest, WrongOrderOfFragmentsIsRefused) {
  EXPECT_EQ(run(server_frame(0x0, "a")).error,
            WebSocketError::kContinuationWithoutStart);
  EXPECT_EQ(run(server_frame(0x1, "a", false) + server_frame(0x1, "b")).error,
            WebSocketError::kMessageInsideMessage);
  EXPECT_EQ(run(server_frame(0x1, "a", false) + server_frame(0x0, "b") +
                server_frame(0x0, "c"))
                .error,
            WebSocketError::kContinuationWithoutStart);
}

TEST(WebSocketFrameParserTest, ReservedBitsAndOpcodesAreRefused) {
  for (const int bit : {0x10, 0x20, 0x40}) {
    for (const int opcode : {0x1, 0x2, 0x8, 0x9}) {
      EXPECT_EQ(run(server_frame(bit | opcode, "")).error,
                WebSocketError::kReservedBits);
    }
  }
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    EXPECT_EQ(run(server_frame(opcode, "")).error,
              WebSocketError::kUnknownOpcode);
  }
}

TEST(WebSocketFrameParserTest, MaskedFramesOfAServerAreRefused) {
  for (const char* head : {"\x81\x81", "\x82\xfe", "\x89\x80", "\x88\xff"}) {
    EXPECT_EQ(run(std::string(head, 2) + "maskmaskx").error,
              WebSocketError::kMaskedByServer);
  }
}

TEST(WebSocketFrameParserTest, ControlFramesHaveLimits) {
  EXPECT_EQ(run(server_frame(0x9, std::string(125, 'p'))).controls.size(), 1u);
  EXPECT_EQ(run(server_frame(0x9, std::string(126, 'p'))).error,
            WebSocketError::kLongControl);
  for (const int opcode : {0x8, 0x9, 0xa}) {
    EXPECT_EQ(run(server_frame(opcode, "", false)).error,
              WebSocketError::kFragmentedControl);
  }
}

TEST(WebSocketFrameParserTest, CloseCodes) {
  EXPECT_EQ(run(server_frame(0x8, "")).controls[0], "8:1005:");
  EXPECT_EQ(run(close_frame(1000, "bye")).controls[0], "8:1000:bye");
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999}) {
    EXPECT_EQ(run(close_frame(static_cast<uint16_t>(code))).error,
              WebSocketError::kNone)
        << code;
  }
  for (const int code :
       {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    EXPECT_EQ(run(close_frame(static_cast<uint16_t>(code))).error,
              WebSocketError::kBadCloseCode)
        << code;
  }
  EXPECT_EQ(run(server_frame(0x8, "x")).error, WebSocketError::kBadCloseFrame);
  EXPECT_EQ(run(close_frame(1000, "\xff")).error, WebSocketError::kInvalidUtf8);
}

TEST(WebSocketFrameParserTest, TextIsUtf8EvenAcrossFragments) {
  const std::string euro = "\xe2\x82\xac";
  EXPECT_EQ(run(server_frame(0x1, "a" + euro)).messages.size(), 1u);
  EXPECT_EQ(run(server_frame(0x1, euro.substr(0, 1), false) +
                server_frame(0x9, "") + server_frame(0x0, euro.substr(1)))
                .messages[0],
            "1:" + euro);
  EXPECT_EQ(run(server_frame(0x1, euro.substr(0, 2))).code, kCloseInvalidData);
  EXPECT_EQ(run(server_frame(0x1, "x\xff")).error,
            WebSocketError::kInvalidUtf8);
  // At the byte that is wrong, not at the message's end.
  EXPECT_EQ(run(server_frame(0x1, "\xed\xa0", false)).error,
            WebSocketError::kInvalidUtf8);
  // Binary is anything, and so is text when nobody asks.
  EXPECT_EQ(run(server_frame(0x2, "\xff", false) + server_frame(0x0, "\xff"))
                .messages.size(),
            1u);
  EXPECT_EQ(
      run(server_frame(0x1, "\xff"), {.validate_utf8 = false}).messages.size(),
      1u);
}

// RFC 6455, section 8.1: the rest of the frame need not come.
TEST(WebSocketFrameParserTest, BadTextShowsInThePartOfAFrameThatIsThere) {
  const std::string stream = server_frame(0x1, "abc\xf4\x90\x80\x80 and more");
  WebSocketFrameParser parser({});
  WebSocketFrame frame;
  EXPECT_EQ(parser.next(stream.data(), 6, &frame), Event::kNeedMore);
  EXPECT_EQ(parser.wanted(), stream.size());
  EXPECT_EQ(parser.next(stream.data(), 7, &frame), Event::kError);
  EXPECT_EQ(frame.error, WebSocketError::kInvalidUtf8);
  // In a later fragment, whose frame was waited for, too.
  EXPECT_EQ(run(server_frame(0x1, "\xe2", false) +
                server_frame(0x0, "\x82\xac \xff more").substr(0, 7))
                .error,
            WebSocketError::kInvalidUtf8);
  // Text that is cut inside a character is good so far.
  const std::string good = server_frame(0x1, "\xe2\x82\xac!");
  std::vector<size_t> each(good.size() + 1);
  for (size_t b = 0; b < each.size(); ++b) each[b] = b;
  EXPECT_EQ(run_cut(good + good, each).messages,
            (std::vector<std::string>{"1:\xe2\x82\xac!"}));
}

// RFC 7692, section 6: RSV1 belongs to a message's first frame.
TEST(WebSocketFrameParserTest, CompressedMessagesAreFragmentsWhereAllowed) {
  const std::string text = "\xff\xfe";  // whatever it inflates to
  const std::string stream =
      server_frame(0x41, text) + server_frame(0x42, text, false) +
      server_frame(0x9, "") + server_frame(0x0, text) + server_frame(0x1, "x");
  WebSocketFrameParser parser({});
  parser.set_compression();
  WebSocketFrame frame;
  std::string seen;
  for (size_t at = 0; at < stream.size(); at += frame.consumed) {
    const Event event =
        parser.next(stream.data() + at, stream.size() - at, &frame);
    ASSERT_NE(event, Event::kError);
    seen += event == Event::kFragment && frame.compressed ? "c"
            : event == Event::kPing                       ? "p"
            : event == Event::kMessage                    ? "m"
                                                          : "?";
    if (event == Event::kFragment && frame.last) seen += ".";
  }
  EXPECT_EQ(seen, "c.cpc.m");
  for (const int first : {0x40, 0x49, 0x51, 0x61, 0x43}) {
    WebSocketFrameParser strict({});
    strict.set_compression();
    const std::string open = server_frame(0x1, "", false);
    const std::string bad = server_frame(first, "");
    if (first == 0x40) {
      ASSERT_EQ(strict.next(open.data(), open.size(), &frame),
                Event::kFragment);
    }
    EXPECT_EQ(strict.next(bad.data(), bad.size(), &frame), Event::kError)
        << first;
  }
  parser.reset();
  EXPECT_EQ(parser.next(stream.data(), stream.size(), &frame), Event::kError)
      << "to be agreed on anew";
}

TEST(WebSocketFrameParserTest, MessagesOverTheLimitAreRefused) {
  const WebSocketFrameParserOptions options = {.max_message = 200};
  EXPECT_EQ(run(server_frame(0x1, std::string(200, 'x')), options).error,
            WebSocketError::kNone);
  const Outcome one = run(server_frame(0x1, std::string(201, 'x')), options);
  EXPECT_EQ(one.error, WebSocketError::kMessageTooLong);
  EXPECT_EQ(one.code, kCloseTooBig);
  const std::string half(101, 'x');
  EXPECT_EQ(
      run(server_frame(0x1, half, false) + server_frame(0x0, half), options)
          .error,
      WebSocketError::kMessageTooLong);
  // A length is refused before any of its bytes.
  EXPECT_EQ(run(std::string("\x82\x7f\0\0\1\0\0\0\0\0", 10)).error,
            WebSocketError::kMessageTooLong);
}

TEST(WebSocketFrameParserTest, LongFramesComeInParts) {
  const std::string text(1000, 'x');
  const std::string stream = server_frame(0x1, text, false) +
                             server_frame(0x0, text) + server_frame(0x1, "y");
  for (size_t cut = 1; cut < stream.size(); cut += 13) {
    const Outcome outcome =
        run_cut(stream, {cut, stream.size()}, {.max_whole_frame = 100});
    EXPECT_EQ(outcome.messages,
              (std::vector<std::string>{"1:" + text + text, "1:y"}));
  }
}

std::string random_stream(std::mt19937& random) {
  static const std::string kTexts[] = {"", "a", "\xc3\xa9\xe2\x82\xac",
                                       std::string(130, 'z'), "{\"b\":1}"};
  std::string stream;
  bool open = false;
  for (unsigned n = 1 + random() % 8; n > 0; --n) {
    const std::string& text = kTexts[random() % 5];
    if (random() % 4 == 0) {
      stream += server_frame(random() % 2 == 0 ? 0x9 : 0xa, text.substr(0, 20));
    } else {
      const bool final = random() % 2 == 0;
      stream += server_frame(open ? 0x0 : 1 + static_cast<int>(random() % 2),
                             text, final);
      open = !final;
    }
  }
  if (random() % 3 == 0) stream += close_frame(1000, "bye");
  // Something hostile now and then.
  if (random() % 2 == 0 && !stream.empty()) {
    stream[random() % stream.size()] = static_cast<char>(random());
  }
  return stream;
}

TEST(WebSocketFrameParserTest, ASplitAtEveryByteEqualsTheWhole) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  int errors = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string stream = random_stream(random);
    const Outcome whole = run(stream);
    errors += whole.error != WebSocketError::kNone;
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      ASSERT_EQ(run_cut(stream, {cut, stream.size()}), whole) << cut;
    }
    std::vector<size_t> each(stream.size() + 1);
    for (size_t b = 0; b < each.size(); ++b) each[b] = b;
    ASSERT_EQ(run_cut(stream, each), whole);
    // Frames in parts come to the same, except that bad text may show before
    // the end of its frame.
    const Outcome parts = run_cut(stream, each, {.max_whole_frame = 3});
    ASSERT_EQ(parts.messages, whole.messages);
  }
  EXPECT_GT(errors, 10);
}

TEST(WebSocketFrameParserTest, RandomBytesNeverReadBeyondTheEnd) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string stream(random() % 40, '\0');
    for (char& c : stream) c = static_cast<char>(random());
    if (!stream.empty() && i % 2 == 0) stream[0] = '\x81';
    run(stream);
  }
}

TEST(WebSocketFrameParserTest, ResetForgetsAnOpenMessage) {
  const std::string begin = server_frame(0x1, "a", false);
  WebSocketFrameParser parser({});
  WebSocketFrame frame;
  EXPECT_EQ(parser.next(begin.data(), begin.size(), &frame), Event::kFragment);
  EXPECT_TRUE(parser.inside_message());
  parser.reset();
  EXPECT_FALSE(parser.inside_message());
}

}  // namespace
}  // namespace wirebook
