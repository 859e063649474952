# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""Bazel's own rule sets without a network.

Bazel adds downloads of rule sets behind every WORKSPACE; the first declaration
of a name wins, so declaring them here keeps it offline. Debian's copies are
used where they are installed and work with this Bazel; stubs otherwise.
"""

_DEBIAN_ROOTS = [
    "/usr/share/bazel/rules/",
    "/usr/share/bazel/tools/",
]

# The rules that Bazel's own packages and ours load.
_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "objc_library",
]
_JAVA_RULES = [
    "java_binary",
    "java_import",
    "java_library",
    "java_proto_library",
    "java_runtime",
    "java_toolchain",
]

def _native_stub(rules):
    return "".join([
        "def {rule}(**kwargs):\n    native.{rule}(**kwargs)\n\n".format(rule = rule)
        for rule in rules
    ])

def _debian_copy(repository_ctx, folder, probe):
    for root in _DEBIAN_ROOTS:
        if repository_ctx.path(root + folder + "/" + probe).exists:
            return repository_ctx.path(root + folder)
    return None

def _debian_rules_impl(repository_ctx):
    attr = repository_ctx.attr
    found = _debian_copy(repository_ctx, attr.folder, attr.probe)
    if found:
        for entry in found.readdir():
            repository_ctx.symlink(entry, entry.basename)
        return
    repository_ctx.file("WORKSPACE", "")
    repository_ctx.file("BUILD.bazel", "")
    for path, content in attr.stub.items():
        repository_ctx.file(path, content)

_debian_rules = repository_rule(
    implementation = _debian_rules_impl,
    local = True,
    attrs = {
        "folder": attr.string(mandatory = True),
        "probe": attr.string(
            mandatory = True,
            doc = "Used if it has this file: older copies do not load.",
        ),
        "stub": attr.string_dict(doc = "Path -> content, where it is not."),
    },
)

_COVERAGE_STUB = """
filegroup(
    name = "coverage_report_generator",
    srcs = [],
    visibility = ["//visibility:public"],
)
"""

_RULES = {
    "bazel_features": ("features", "features.bzl", {}),
    "bazel_skylib": ("skylib", "lib/paths.bzl", {}),
    "platforms": ("platforms", "cpu/BUILD", {}),
    "remote_coverage_tools": ("coverage", "none", {"BUILD.bazel": _COVERAGE_STUB}),
    "rules_cc": ("cc", "cc/cc_library.bzl", {
        "cc/BUILD.bazel": "",
        "cc/defs.bzl": _native_stub(_CC_RULES),
    }),
    "rules_java": ("java", "java/defs.bzl", {
        "java/BUILD.bazel": "",
        "java/defs.bzl": _native_stub(_JAVA_RULES),
    }),
    "rules_license": ("license", "rules/license.bzl", {}),
    "rules_proto": ("proto", "proto/defs.bzl", {}),
    "rules_python": ("python", "python/defs.bzl", {}),
}

def bazel_rule_repositories():
    """Declares Bazel's rule sets from what is installed. First in WORKSPACE."""
    for name, (folder, probe, stub) in _RULES.items():
        if name == "platforms" and not hasattr(native, "package_relative_label"):
            continue  # Bazel 4 has its own.
        if not native.existing_rule(name):
            _debian_rules(name = name, folder = folder, probe = probe, stub = stub)
