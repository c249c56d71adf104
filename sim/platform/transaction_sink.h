// Where the transactions of an AXI port go.
#pragma once

#include "sim/platform/transaction_pool.h"

namespace corank {

class TransactionSink {
 public:
  virtual ~TransactionSink() = default;
  /// Takes a request; the answer comes later, or before this returns.
  virtual void send(Transaction& transaction) = 0;
};

}  // namespace corank
