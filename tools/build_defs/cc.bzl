# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""The C++ rules of this project: native ones, warnings, and the layers' order.

Every C++ target goes through `_cc`, which stops loading with an error where a
target depends on a layer above its own.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

# Lowest first. A package may depend on its own layer and on those before it.
LAYERS = ["memory", "concurrency", "net", "lob", "apps"]

# Not layers: nothing in a layer may depend on them, except that tests and
# benchmarks may use //tools.
_OUTSIDE = ["tools", "examples"]

# Errors in this repository's own build. A caller's compiler may know warnings
# that ours do not, so its build of our sources gets none of them.
_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wno-sign-conversion",
    # g++ 12 sees overlapping copies in std::string's operator+ when optimising
    # (GCC bug 105651); clang does not know the option.
    "-Wno-unknown-warning-option",
    "-Wno-restrict",
    "-Werror",
]

# No jump touches a 32-byte border (.bazelrc, native): clang's own option, or one
# of g++'s assembler.
_ALIGNED_JUMPS = select({
    str(Label("//tools/build_defs:is_native_clang")): ["-mbranches-within-32B-boundaries"],
    str(Label("//tools/build_defs:is_native")): ["-Wa,-mbranches-within-32B-boundaries"],
    "//conditions:default": [],
})

# How a label may name this repository.
_OWN_REPOSITORY = ["", "@", "@@", "@wirebook", "@@wirebook"]

# The attributes of a C++ rule that hold labels.
_LABEL_ATTRIBUTES = [
    "data",
    "deps",
    "hdrs",
    "implementation_deps",
    "srcs",
    "textual_hdrs",
]

def _top(package):
    return package.split("/")[0]

def _dep_top(dep):
    """The top folder of a dependency in this repository, or None."""
    repository, separator, path = dep.partition("//")
    if not separator or repository not in _OWN_REPOSITORY:
        return None  # In this package, or in another repository.
    return _top(path.split(":")[0])

def _check_layer(target, dep, testonly):
    own = _top(native.package_name())
    top = _dep_top(dep)
    if top == None or top == "third_party":
        return
    if top in _OUTSIDE:
        if not (testonly and top == "tools"):
            fail("{} must not depend on {}: only tests may use //tools".format(target, dep))
    elif top not in LAYERS:
        fail("{}: {} is in no layer; the layers are {}".format(
            target,
            dep,
            ", ".join(LAYERS),
        ))
    elif LAYERS.index(top) > LAYERS.index(own):
        fail("{} must not depend on {}: {} stands above {}".format(target, dep, top, own))

def _check_layers(name, attributes, testonly):
    if _top(native.package_name()) not in LAYERS:
        return
    target = "//{}:{}".format(native.package_name(), name)
    for attribute in _LABEL_ATTRIBUTES:
        labels = attributes.get(attribute) or []
        if type(labels) == "select":
            fail("{}: {} is a select(), whose labels cannot be checked against the layers' order".format(
                target,
                attribute,
            ))
        for label in labels:
            _check_layer(target, str(label), testonly)

def _cc(rule, name, copts = [], testonly = False, **kwargs):
    _check_layers(name, kwargs, testonly)
    warnings = _WARNINGS if native.repository_name() == "@" else []
    rule(
        name = name,
        copts = warnings + _ALIGNED_JUMPS + copts,
        testonly = testonly,
        **kwargs
    )

def wirebook_cc_library(name, **kwargs):
    """A library; `visibility` is private unless given."""
    _cc(cc_library, name, **kwargs)

def wirebook_cc_binary(name, **kwargs):
    """A program."""
    _cc(cc_binary, name, **kwargs)

def wirebook_cc_test(name, deps = [], size = "small", **kwargs):
    """A GoogleTest test; gtest_main is added."""
    _cc(
        cc_test,
        name,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        size = size,
        testonly = True,
        **kwargs
    )

def wirebook_cc_benchmark(name, srcs, deps = [], tags = [], **kwargs):
    """A Google Benchmark binary, and a smoke test that runs it for a moment.

    The smoke test keeps a benchmark from rotting; it proves no figure.
    """
    deps = deps + ["@com_github_google_benchmark//:benchmark"]
    _cc(cc_binary, name, srcs = srcs, deps = deps, testonly = True, tags = tags, **kwargs)
    native.sh_test(
        name = name + "_smoke_test",
        size = "medium",
        srcs = [name],
        args = ["--benchmark_min_time=0.0001"],
        tags = tags + ["benchmark-smoke"],
    )

def wirebook_cc_fuzz_test(
        name,
        srcs,
        deps = [],
        size = "small",
        args = [],
        variants = [],
        **kwargs):
    """A fuzz target: its source defines what //tools/build_defs:fuzz.h declares.

    In an ordinary `bazel test` it runs over its seeds and a bounded number of
    mutations of them, the same each time. Under --config=fuzz (clang) it is a
    libFuzzer binary with AddressSanitizer, whose first corpus is its seeds:
    `bazel run --config=fuzz` it, or `bazel test --config=fuzz --config=soak`.

    With `variants` there is a test name_variant for each of them, of one binary
    that is told which by fuzz_variant().
    """
    deps = deps + ["//tools/build_defs:fuzz_main"]
    if not variants:
        _cc(
            cc_test,
            name,
            srcs = srcs,
            args = args,
            deps = deps,
            size = size,
            testonly = True,
            **kwargs
        )
        return
    _cc(cc_binary, name, srcs = srcs, deps = deps, testonly = True, **kwargs)
    for variant in variants:
        native.sh_test(
            name = name + "_" + variant.replace("-", "_"),
            size = size,
            srcs = [name],
            args = ["--variant=" + variant] + args,
        )
