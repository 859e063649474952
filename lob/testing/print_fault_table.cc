// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Prints lob/venues/FAULTS.md.

#include <iostream>

#include "lob/testing/fault_table.h"

int main() { std::cout << wirebook::fault_table_markdown(); }
