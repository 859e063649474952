# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""The dependencies of //third_party:repositories.bzl as a module extension.

Another module takes what it needs by name, and may put a repository of its own
in the place of one of ours, so that there is never a second copy of, say,
Abseil in one binary:

    wirebook = use_extension("@wirebook//third_party:extensions.bzl", "wirebook")
    wirebook.replace(name = "com_google_absl", repository = "@abseil-cpp")
    use_repo(wirebook, "com_google_googletest")

Only the root module decides; the tag is ignored in any other, as Bazel's own
overrides are.
"""

load("//third_party:repositories.bzl", "WIREBOOK_LABELS", "WIREBOOK_REPOSITORIES")

def _forward_repository_impl(repository_ctx):
    packages = {}
    for label in repository_ctx.attr.labels:
        package, _, target = label.rpartition(":")
        packages.setdefault(package, []).append(target)
    for package, targets in packages.items():
        text = ["package(default_visibility = [\"//visibility:public\"])\n"]
        for target in targets:
            text.append("\nalias(\n    name = {},\n    actual = {},\n)\n".format(
                repr(target),
                repr("{}//{}:{}".format(repository_ctx.attr.repository, package, target)),
            ))
        path = package + "/BUILD.bazel" if package else "BUILD.bazel"
        repository_ctx.file(path, "".join(text))

_forward_repository = repository_rule(
    implementation = _forward_repository_impl,
    attrs = {
        "labels": attr.string_list(
            mandatory = True,
            doc = "'target' or 'package:target', the same on both sides.",
        ),
        "repository": attr.string(
            mandatory = True,
            doc = "Canonical name of the repository that has them, with its @@.",
        ),
    },
    doc = "Our labels, each an alias of the same label in another repository.",
)

def _wirebook_impl(module_ctx):
    replaced = {}
    for module in module_ctx.modules:
        if not module.is_root:
            continue
        for tag in module.tags.replace:
            if tag.name not in WIREBOOK_REPOSITORIES:
                fail("wirebook.replace: there is no {}; the names are {}".format(
                    tag.name,
                    ", ".join(WIREBOOK_REPOSITORIES),
                ))
            replaced[tag.name] = tag.repository
    for name, declare in WIREBOOK_REPOSITORIES.items():
        if name in replaced:
            _forward_repository(
                name = name,
                labels = WIREBOOK_LABELS[name],
                repository = "@@" + replaced[name].workspace_name,
            )
        else:
            declare(name)

wirebook = module_extension(
    implementation = _wirebook_impl,
    tag_classes = {
        "replace": tag_class(
            attrs = {
                "name": attr.string(
                    mandatory = True,
                    doc = "One of our repositories.",
                ),
                "repository": attr.label(
                    mandatory = True,
                    doc = "The root module's repository with the same labels.",
                ),
            },
            doc = "Use the root module's own repository in the place of ours.",
        ),
    },
    doc = "Debian's packages under their usual repository names.",
)
