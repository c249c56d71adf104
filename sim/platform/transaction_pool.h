// TLM transactions with their own data, reused: an approximately-timed transaction lives until
// nobody refers to it.
#pragma once

#include <cstdint>
#include <memory>
#include <tlm>
#include <vector>

namespace corank {

struct Transaction : tlm::tlm_generic_payload {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t>
      enables;  // 0xff writes the byte, 0 does not; used where a write leaves bytes out
};

/// Must outlive every transaction's use. Not for several threads.
class TransactionPool : public tlm::tlm_mm_interface {
 public:
  /// A transaction of `size` zero bytes, acquired once for the caller, who releases it.
  Transaction& allocate(tlm::tlm_command command, std::uint64_t address, std::size_t size) {
    if (free_.empty()) {
      all_.push_back(std::make_unique<Transaction>());
      all_.back()->set_mm(this);
      free_.push_back(all_.back().get());
    }
    Transaction& transaction = *free_.back();
    free_.pop_back();
    transaction.acquire();
    transaction.bytes.assign(size, 0);
    transaction.set_command(command);
    transaction.set_address(address);
    transaction.set_data_ptr(transaction.bytes.data());
    transaction.set_data_length(static_cast<unsigned>(size));
    transaction.set_streaming_width(static_cast<unsigned>(size));
    transaction.set_byte_enable_ptr(nullptr);
    transaction.set_byte_enable_length(0);
    transaction.set_dmi_allowed(false);
    transaction.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    return transaction;
  }

  void free(tlm::tlm_generic_payload* transaction) override {
    transaction->reset();
    free_.push_back(static_cast<Transaction*>(transaction));
  }

 private:
  std::vector<std::unique_ptr<Transaction>> all_;
  std::vector<Transaction*> free_;
};

}  // namespace corank
