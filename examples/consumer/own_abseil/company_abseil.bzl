# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""The Abseil of a company that has its own, with Abseil's usual labels.

This one is made of the shared libraries that are installed. It stands for a
checkout with patches, or a version that the whole company pins; what marks it
is COMPANY_ABSEIL, which everything that is built with it sees.
"""

_LIBRARIES = "/usr/lib/x86_64-linux-gnu"

_LABELS = {
    "absl/base": ["core_headers"],
    "absl/status": ["status", "statusor"],
    "absl/strings": ["str_format", "strings"],
    "absl/time": ["time"],
    "absl/types": ["optional", "span"],
}

_BUILD = """load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "company_absl",
    hdrs = glob(["absl/**/*.h", "absl/**/*.inc"]),
    defines = ["COMPANY_ABSEIL"],
    includes = ["."],
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

_ALIAS = """
alias(
    name = "{name}",
    actual = "//:company_absl",
    visibility = ["//visibility:public"],
)
"""

def _company_abseil_impl(repository_ctx):
    for entry in repository_ctx.path("/usr/include/absl").readdir():
        repository_ctx.symlink(entry, "absl/" + entry.basename)
    libraries = [
        entry.basename[len("lib"):-len(".so")]
        for entry in repository_ctx.path(_LIBRARIES).readdir()
        if entry.basename.startswith("libabsl_") and entry.basename.endswith(".so")
    ]
    linkopts = ["-Wl,--as-needed"] + ["-l" + library for library in sorted(libraries)]
    repository_ctx.file("WORKSPACE", "")
    repository_ctx.file("BUILD.bazel", _BUILD.format(linkopts = repr(linkopts)))
    for package, names in _LABELS.items():
        repository_ctx.file(
            package + "/BUILD.bazel",
            "".join([_ALIAS.format(name = name) for name in names]),
        )

company_abseil = repository_rule(
    implementation = _company_abseil_impl,
    local = True,
)
