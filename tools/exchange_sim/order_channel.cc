// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/order_channel.h"

namespace wirebook::sim {

std::string quoted_rows(const OrderChannel& channel,
                        const std::vector<Order>& orders) {
  std::string out = "[";
  for (const Order& order : orders) {
    if (out.size() > 1) out += ',';
    out += "[\"" + order.price + "\",\"" + order.quantity + "\",\"" +
           channel.name(order.id) + "\"]";
  }
  return out += ']';
}

std::string with_value(std::string text, const std::string& key,
                       const std::string& value) {
  const std::string opening = '"' + key + "\":";
  std::size_t at = text.find(opening);
  if (at == std::string::npos) return text;
  at += opening.size();
  return text.replace(at, text.find_first_of(",}", at) - at, value);
}

}  // namespace wirebook::sim
