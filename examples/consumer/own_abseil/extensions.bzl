# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

"""The company's Abseil for MODULE.bazel."""

load("//:company_abseil.bzl", "company_abseil")

def _company_impl(_module_ctx):
    company_abseil(name = "company_abseil")

company = module_extension(implementation = _company_impl)
