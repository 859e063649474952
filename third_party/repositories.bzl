# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""What Wirebook stands on: Debian's packages under their usual Bazel names.

A caller that declares one of these repositories first keeps its own:

    load("@wirebook//third_party:repositories.bzl", "wirebook_dependencies")
    wirebook_dependencies()
"""

load("//third_party:pkg_config.bzl", "pkg_config_repository", "source_repository")

# Abseil's labels -> .pc files, where the name does not follow by rule.
_ABSL_ALIASES = {
    "absl/algorithm:container": "absl_algorithm_container",
    "absl/base:base": "absl_base",
    "absl/base:core_headers": "absl_core_headers",
    "absl/cleanup:cleanup": "absl_cleanup",
    "absl/container:btree": "absl_btree",
    "absl/container:fixed_array": "absl_fixed_array",
    "absl/container:flat_hash_map": "absl_flat_hash_map",
    "absl/container:flat_hash_set": "absl_flat_hash_set",
    "absl/container:inlined_vector": "absl_inlined_vector",
    "absl/flags:flag": "absl_flags",
    "absl/flags:parse": "absl_flags_parse",
    "absl/flags:usage": "absl_flags_usage",
    "absl/functional:any_invocable": "absl_any_invocable",
    "absl/functional:function_ref": "absl_function_ref",
    "absl/hash:hash": "absl_hash",
    "absl/log:check": "absl_check",
    "absl/log:log": "absl_log",
    "absl/memory:memory": "absl_memory",
    "absl/numeric:bits": "absl_bits",
    "absl/numeric:int128": "absl_int128",
    "absl/random:random": "absl_random_random",
    "absl/status:status": "absl_status",
    "absl/status:statusor": "absl_statusor",
    "absl/strings:str_format": "absl_str_format",
    "absl/strings:strings": "absl_strings",
    "absl/synchronization:synchronization": "absl_synchronization",
    "absl/time:time": "absl_time",
    "absl/types:optional": "absl_optional",
    "absl/types:span": "absl_span",
    "absl/types:variant": "absl_variant",
}

def _absl(name):
    pkg_config_repository(
        name = name,
        aliases = _ABSL_ALIASES,
        headers = ["absl"],
        packages = ["absl_base", "absl_status", "absl_strings"],
    )

def _googletest(name):
    source_repository(
        name = name,
        build_file = Label("//third_party:googletest.BUILD.bazel"),
        path = "/usr/src/googletest",
    )

def _benchmark(name):
    pkg_config_repository(
        name = name,
        aliases = {"benchmark_main": "benchmark_main"},
        headers = ["benchmark"],
        linkopts = ["-pthread"],
        packages = ["benchmark"],
    )

def _simdjson(name):
    pkg_config_repository(
        name = name,
        headers = ["simdjson.h"],
        packages = ["simdjson"],
    )

def _liburing(name):
    pkg_config_repository(
        name = name,
        headers = ["liburing.h", "liburing"],
        packages = ["liburing"],
    )

def _libnuma(name):
    pkg_config_repository(
        name = name,
        aliases = {"libnuma": "numa"},
        headers = ["numa.h", "numaif.h", "numacompat1.h"],
        packages = ["numa"],
    )

def _liburcu(name):
    # A peer that benchmarks stand beside; nothing of ours links it.
    pkg_config_repository(
        name = name,
        headers = ["urcu"],
        linkopts = ["-pthread"],
        packages = [
            "liburcu-cds",
            "liburcu-memb",
        ],
    )

def _libwebsockets(name):
    # A peer in benchmarks.
    pkg_config_repository(
        name = name,
        aliases = {"websockets": "libwebsockets"},
        headers = ["libwebsockets.h", "libwebsockets"],
        packages = ["libwebsockets"],
        prefer_shared = True,
    )

def _openssl(name):
    # Shared: cpp-httplib's library has it loaded already, and a fixed OpenSSL
    # arrives by an upgrade of Debian's package.
    pkg_config_repository(
        name = name,
        aliases = {
            "crypto": "libcrypto",
            "ssl": "libssl",
        },
        headers = ["openssl"],
        packages = ["libssl"],
        prefer_shared = True,
    )

def _zlib(name):
    pkg_config_repository(
        name = name,
        headers = ["zlib.h", "zconf.h"],
        packages = ["zlib"],
        prefer_shared = True,
    )

def _zstd(name):
    pkg_config_repository(
        name = name,
        aliases = {"zstd": "libzstd"},
        headers = ["zstd.h", "zstd_errors.h"],
        packages = ["libzstd"],
    )

def _tomlplusplus(name):
    pkg_config_repository(
        name = name,
        headers = ["toml++"],
        packages = ["tomlplusplus"],
    )

def _cli11(name):
    pkg_config_repository(
        name = name,
        aliases = {"cli11": "CLI11"},
        headers = ["CLI"],
        packages = ["CLI11"],
    )

def _spdlog(name):
    pkg_config_repository(
        name = name,
        headers = ["spdlog", "fmt"],
        packages = ["spdlog"],
        prefer_shared = True,
    )

def _cpp_httplib(name):
    # The CPPHTTPLIB_* defines come from its .pc file: the library and its
    # header disagree on layouts without them.
    pkg_config_repository(
        name = name,
        headers = ["httplib.h"],
        linkopts = ["-pthread"],
        packages = ["cpp-httplib"],
    )

def _curl(name):
    # Shared: a static one would want some twenty more libraries, and fixes
    # arrive by an upgrade of Debian's package.
    pkg_config_repository(
        name = name,
        aliases = {"curl": "libcurl"},
        headers = ["curl"],
        packages = ["libcurl"],
        prefer_shared = True,
    )

def _boost_headers(name):
    source_repository(
        name = name,
        build_file = Label("//third_party:boost_headers.BUILD.bazel"),
        path = "/usr/include/boost",
    )

def _concurrentqueue(name):
    # A peer in benchmarks; Debian's package has no .pc file.
    source_repository(
        name = name,
        build_file = Label("//third_party:concurrentqueue.BUILD.bazel"),
        path = "/usr/include/concurrentqueue",
    )

def _rapidjson(name):
    # A peer in benchmarks.
    pkg_config_repository(
        name = name,
        aliases = {"rapidjson": "RapidJSON"},
        headers = ["rapidjson"],
        packages = ["RapidJSON"],
    )

def _tbb(name):
    # A peer in benchmarks.
    pkg_config_repository(
        name = name,
        headers = ["oneapi/tbb", "tbb"],
        packages = ["tbb"],
    )

# Repository name -> how to declare it.
WIREBOOK_REPOSITORIES = {
    "boost_headers": _boost_headers,
    "cli11": _cli11,
    "com_github_google_benchmark": _benchmark,
    "com_google_absl": _absl,
    "com_google_googletest": _googletest,
    "concurrentqueue": _concurrentqueue,
    "cpp_httplib": _cpp_httplib,
    "curl": _curl,
    "libnuma": _libnuma,
    "liburcu": _liburcu,
    "liburing": _liburing,
    "libwebsockets": _libwebsockets,
    "openssl": _openssl,
    "rapidjson": _rapidjson,
    "simdjson": _simdjson,
    "spdlog": _spdlog,
    "tbb": _tbb,
    "tomlplusplus": _tomlplusplus,
    "zlib": _zlib,
    "zstd": _zstd,
}

# Repository name -> the labels that may be used from it, as 'target' or
# 'folder:target'.
WIREBOOK_LABELS = {
    "boost_headers": ["boost"],
    "cli11": ["cli11"],
    "com_github_google_benchmark": ["benchmark", "benchmark_main"],
    "com_google_absl": _ABSL_ALIASES.keys(),
    "com_google_googletest": ["gtest", "gtest_main"],
    "concurrentqueue": ["concurrentqueue"],
    "cpp_httplib": ["cpp-httplib"],
    "curl": ["curl"],
    "libnuma": ["libnuma"],
    "liburcu": ["liburcu-cds", "liburcu-memb"],
    "liburing": ["liburing"],
    "libwebsockets": ["websockets"],
    "openssl": ["crypto", "ssl"],
    "rapidjson": ["rapidjson"],
    "simdjson": ["simdjson"],
    "spdlog": ["spdlog"],
    "tbb": ["tbb"],
    "tomlplusplus": ["tomlplusplus"],
    "zlib": ["zlib"],
    "zstd": ["zstd"],
}

def wirebook_dependencies():
    """Declares each dependency that the caller has not declared itself."""
    for name, declare in WIREBOOK_REPOSITORIES.items():
        if not native.existing_rule(name):
            declare(name)
