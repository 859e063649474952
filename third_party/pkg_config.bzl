# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""Debian's -dev packages as Bazel repositories, described by their .pc files.

`pkg_config_repository` reads the .pc files itself (no pkg-config binary runs),
follows `Requires`, and writes one `cc_library` per .pc file. Headers are
symlinked into the repository and listed in `hdrs`, so that an upgraded system
header recompiles what includes it. A static archive is linked where the
package has one, `-l` otherwise.
"""

_PC_DIRECTORIES = [
    "/usr/lib/x86_64-linux-gnu/pkgconfig",
    "/usr/share/pkgconfig",
    "/usr/lib/pkgconfig",
]
_LIBRARY_DIRECTORY = "/usr/lib/x86_64-linux-gnu"

def _read_pc(repository_ctx, name):
    for directory in _PC_DIRECTORIES:
        path = repository_ctx.path(directory + "/" + name + ".pc")
        if path.exists:
            return repository_ctx.read(path)
    return None

def _expand(text, variables):
    # Starlark has no `while`; no .pc file nests variables deeper than this.
    for _ in range(8):
        if "${" not in text:
            break
        for key, value in variables.items():
            text = text.replace("${" + key + "}", value)
    return text

def _parse_requires(text):
    """Package names of a `Requires` line, without the version conditions."""
    words = text.replace(",", " ").split(" ")
    names = []
    skip = False
    for word in words:
        if not word:
            continue
        if skip:
            skip = False
        elif word in ["=", "<", ">", "<=", ">=", "!="]:
            skip = True
        else:
            names.append(word)
    return names

def _parse_pc(text):
    variables = {}
    fields = {}
    for line in text.split("\n"):
        line = line.split("#")[0].strip()
        colon = line.find(":")
        equals = line.find("=")
        if equals > 0 and (colon < 0 or equals < colon):
            variables[line[:equals].strip()] = line[equals + 1:].strip()
        elif colon > 0:
            fields[line[:colon].strip().lower()] = _expand(
                line[colon + 1:].strip(),
                variables,
            )
    return struct(
        requires = _parse_requires(fields.get("requires", "")),
        libs = [w for w in fields.get("libs", "").split(" ") if w],
        cflags = [w for w in fields.get("cflags", "").split(" ") if w],
        version = fields.get("version", "").strip(),
    )

def _load_closure(repository_ctx, roots):
    """name -> parsed .pc, for `roots` and all that they require."""
    packages = {}
    pending = list(roots)
    for _ in range(1000):
        if not pending:
            break
        name = pending.pop()
        if name in packages:
            continue
        text = _read_pc(repository_ctx, name)
        if text == None:
            fail(("@{}: no {}.pc in {}. Install the package that has it; " +
                  "./tools/setup.sh installs everything Wirebook needs.").format(
                repository_ctx.name,
                name,
                ", ".join(_PC_DIRECTORIES),
            ))
        packages[name] = _parse_pc(text)
        pending.extend(packages[name].requires)
    return packages

def _link(repository_ctx, libs, prefer_shared):
    """(archives symlinked into lib/, linkopts) for a .pc `Libs` line."""
    archives = []
    linkopts = []
    for word in libs:
        if word.startswith("-L"):
            continue
        if not word.startswith("-l"):
            linkopts.append(word)
            continue
        file = "lib" + word[2:] + ".a"
        archive = repository_ctx.path(_LIBRARY_DIRECTORY + "/" + file)
        if prefer_shared or not archive.exists:
            linkopts.append(word)
        else:
            # Two packages may share one.
            if not repository_ctx.path("lib/" + file).exists:
                repository_ctx.symlink(archive, "lib/" + file)
            archives.append("lib/" + file)
    return archives, linkopts

def _library(repository_ctx, name, package, prefer_shared, extra_linkopts):
    archives, linkopts = _link(repository_ctx, package.libs, prefer_shared)
    deps = [":" + r for r in package.requires if r != name]
    return """
cc_library(
    name = {name},
    srcs = {srcs},
    hdrs = [":headers"],
    defines = {defines},
    includes = ["include"],
    linkopts = {linkopts},
    deps = {deps},
)
""".format(
        name = repr(name),
        srcs = repr(archives),
        defines = repr([w[2:] for w in package.cflags if w.startswith("-D")]),
        linkopts = repr(linkopts + extra_linkopts),
        deps = repr(deps),
    )

_HEADER = """load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

def _pkg_config_repository_impl(repository_ctx):
    attr = repository_ctx.attr

    # An alias may name a .pc file that only newer versions have (absl_log).
    roots = attr.packages + [
        target
        for target in attr.aliases.values()
        if _read_pc(repository_ctx, target) != None
    ]
    packages = _load_closure(repository_ctx, roots)
    for header in attr.headers:
        found = False
        for root in ["/usr/include/", "/usr/include/x86_64-linux-gnu/"]:
            path = repository_ctx.path(root + header)
            if path.exists:
                repository_ctx.symlink(path, "include/" + header)
                found = True
                break
        if not found:
            fail("@{}: /usr/include/{} is missing; ./tools/setup.sh installs it".format(
                repository_ctx.name,
                header,
            ))
    build = [_HEADER, """
filegroup(
    name = "headers",
    srcs = glob(["include/**"], exclude = ["**/*.cmake"], exclude_directories = 1),
)
"""]
    for name in sorted(packages):
        build.append(_library(
            repository_ctx,
            name,
            packages[name],
            attr.prefer_shared,
            attr.linkopts,
        ))

    # "label" or "package:label" -> .pc name, as the project's own BUILD files
    # call it.
    aliases = {}
    for label, target in attr.aliases.items():
        directory, _, short = label.rpartition(":")
        aliases.setdefault(directory, []).append((short, target))
    for directory, pairs in aliases.items():
        # A target whose .pc file this version lacks is left out: using it then
        # names the missing label.
        text = "".join([
            "\nalias(\n    name = {},\n    actual = {},\n)\n".format(
                repr(short),
                repr("//:" + target),
            )
            for short, target in pairs
            if target in packages and not (directory == "" and short == target)
        ])
        if directory == "":
            build.append(text)
        else:
            repository_ctx.file(
                directory + "/BUILD.bazel",
                "package(default_visibility = [\"//visibility:public\"])\n" + text,
            )
    repository_ctx.file("BUILD.bazel", "".join(build))
    repository_ctx.file("WORKSPACE", "workspace(name = {})\n".format(repr(repository_ctx.name)))

pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    local = True,
    attrs = {
        "packages": attr.string_list(
            mandatory = True,
            doc = "The .pc files that must be there, without the ending.",
        ),
        "headers": attr.string_list(
            doc = "Files and folders below /usr/include that are its headers.",
        ),
        "aliases": attr.string_dict(
            doc = "'target' or 'folder:target' -> .pc name; left out where there is none.",
        ),
        "linkopts": attr.string_list(doc = "Added to every library."),
        "prefer_shared": attr.bool(
            doc = "Link with -l even where an archive exists.",
        ),
    },
    doc = "A Bazel repository made from installed pkg-config packages.",
)

def _source_repository_impl(repository_ctx):
    root = repository_ctx.path(repository_ctx.attr.path)
    if not root.exists:
        fail("@{}: {} is missing; ./tools/setup.sh installs it".format(
            repository_ctx.name,
            root,
        ))
    for entry in root.readdir():
        if entry.basename not in ["BUILD", "BUILD.bazel", "WORKSPACE", "MODULE.bazel"]:
            repository_ctx.symlink(entry, entry.basename)
    repository_ctx.symlink(repository_ctx.attr.build_file, "BUILD.bazel")
    repository_ctx.file("WORKSPACE", "")

source_repository = repository_rule(
    implementation = _source_repository_impl,
    local = True,
    attrs = {
        "path": attr.string(mandatory = True),
        "build_file": attr.label(mandatory = True, allow_single_file = True),
    },
    doc = "An installed folder of sources or headers, with our BUILD file.",
)
