#!/usr/bin/env python3
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
"""Lists the test cases that one `bazel test` ran, a line for each.

Usage: test_report.py PREFIX BUILD_EVENT_JSON_FILE

Lines are `passed|failed|skipped <tab> name <tab> reason`. A case is a GoogleTest
test, or a whole target where its log names none (a shell test). A shell test is
skipped where it passes and prints a line `SKIPPED: reason`. A target that was
to run and did not, for whatever reason, is a failure.
"""

import json
import re
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

_NAME_AND_REASON = re.compile(r"[\s\x00-\x1f]+")
_SKIP_LINE = re.compile(r"^SKIPPED: *(.*)$", re.MULTILINE)
_STATUS_WORDS = {
    "FAILED": "failed; its log is above",
    "FLAKY": "flaky: it failed at least once",
    "TIMEOUT": "timed out",
    "INCOMPLETE": "did not end",
}


def one_line(text):
  """`text` without the newlines and tabs that separate our own output."""
  return _NAME_AND_REASON.sub(" ", text or "").strip()


def read_uri(files, name):
  """Content of a local output file of a test action, or None."""
  for file in files:
    if file["name"] == name and file.get("uri", "").startswith("file:"):
      path = urllib.request.url2pathname(
          urllib.parse.urlparse(file["uri"]).path)
      try:
        with open(path, encoding="utf-8", errors="replace") as stream:
          return stream.read()
      except FileNotFoundError:
        return None
  return None


def read_events(stream):
  """The events of a file whose last line may be cut off: Bazel was killed."""
  lines = [line for line in stream if line.strip()]
  events = []
  for number, line in enumerate(lines):
    try:
      events.append(json.loads(line))
    except json.JSONDecodeError:
      if number + 1 < len(lines):
        raise
  return events


def skip_reason(case):
  """Why a GoogleTest case was skipped, without the source position."""
  element = case.find("skipped")
  message = "" if element is None else element.get("message") or element.text
  lines = (message or "").strip().splitlines()
  if len(lines) > 1 and re.search(r"\.\w+:\d+$", lines[0].strip()):
    lines = lines[1:]
  return one_line(" ".join(lines)) or "no reason given"


def is_skipped(case):
  return case.get("result") == "skipped" or case.find("skipped") is not None


def cases_of(label, status, xml, log):
  """Yields (outcome, name, reason) of one run of one test target."""
  try:
    root = ElementTree.fromstring(xml) if xml else None
  except ElementTree.ParseError:
    root = None
  # Only GoogleTest's own report names its cases' results; Bazel writes a
  # report of one case for every other test, and for one that crashed.
  cases = [] if root is None else [
      case for case in root.iter("testcase") if case.get("result")
  ]
  failures = 0
  for case in cases:
    name = "%s %s.%s" % (label, case.get("classname"), case.get("name"))
    if case.find("failure") is not None or case.find("error") is not None:
      failures += 1
      yield "failed", name, "its log is above"
    elif case.get("result") == "suppressed":
      yield "skipped", name, "disabled by its name"
    elif is_skipped(case):
      yield "skipped", name, skip_reason(case)
    else:
      yield "passed", name, ""
  if status == "PASSED":
    if not cases:
      skip = _SKIP_LINE.search(log or "")
      if skip:
        yield "skipped", label, one_line(skip.group(1)) or "no reason given"
      else:
        yield "passed", label, ""
  elif not failures:
    yield "failed", label, _STATUS_WORDS.get(status, status.lower())


def main():
  prefix, path = sys.argv[1:]
  expected = {}  # Label -> whether a result was seen.
  skipped_targets = {}
  with open(path, encoding="utf-8") as stream:
    events = read_events(stream)
  rows = []
  for event in events:
    kind = event["id"]
    if "targetConfigured" in kind:
      # `configured` is absent where the event is an abort.
      if event.get("configured", {}).get("testSize"):
        expected.setdefault(kind["targetConfigured"]["label"], False)
    elif "targetCompleted" in kind and "aborted" in event:
      if event["aborted"].get("reason") == "SKIPPED":
        skipped_targets[kind["targetCompleted"]["label"]] = (
            "this platform is not among those it is for")
    elif "testResult" in kind and "testResult" in event:
      label = kind["testResult"]["label"]
      result = event["testResult"]
      status = result.get("status", "NO_STATUS")
      files = result.get("testActionOutput", [])
      expected[label] = True
      rows.extend(
          cases_of(prefix + label, status, read_uri(files, "test.xml"),
                   read_uri(files, "test.log")))
  for label, seen in expected.items():
    if seen:
      continue
    if label in skipped_targets:
      rows.append(("skipped", prefix + label, skipped_targets[label]))
    else:
      rows.append(("failed", prefix + label, "not built, or not run"))
  for row in rows:
    print("\t".join(row))


if __name__ == "__main__":
  main()
