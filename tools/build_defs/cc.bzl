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

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wno-sign-conversion",
    "-Werror",
]

def _top(package):
    return package.split("/")[0]

def _dep_top(dep):
    """The top folder of a dependency in this repository, or None."""
    if dep.startswith(":"):
        return _top(native.package_name())
    if dep.startswith("//"):
        return _top(dep[2:].split(":")[0])
    return None

def _check_layers(name, deps, testonly):
    own = _top(native.package_name())
    if own not in LAYERS:
        return
    for dep in deps:
        top = _dep_top(str(dep))
        if top == None or top == "third_party":
            continue
        if top in _OUTSIDE:
            if not (testonly and top == "tools"):
                fail("//{}:{} must not depend on {}: only tests may use //tools".format(
                    native.package_name(),
                    name,
                    dep,
                ))
        elif top not in LAYERS:
            fail("//{}:{}: {} is in no layer; the layers are {}".format(
                native.package_name(),
                name,
                dep,
                ", ".join(LAYERS),
            ))
        elif LAYERS.index(top) > LAYERS.index(own):
            fail("//{}:{} must not depend on {}: {} stands above {}".format(
                native.package_name(),
                name,
                dep,
                top,
                own,
            ))

def _cc(rule, name, deps = [], copts = [], testonly = False, **kwargs):
    _check_layers(name, deps, testonly)
    rule(
        name = name,
        copts = _WARNINGS + copts,
        testonly = testonly,
        deps = deps,
        **kwargs
    )

def wirebook_cc_library(name, **kwargs):
    """A library; `visibility` is private unless given."""
    _cc(cc_library, name, **kwargs)

def wirebook_cc_binary(name, **kwargs):
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
    _cc(
        cc_test,
        name + "_smoke_test",
        srcs = srcs,
        args = ["--benchmark_min_time=0.0001"],
        deps = deps,
        size = "small",
        tags = tags + ["benchmark-smoke"],
        testonly = True,
        **kwargs
    )
