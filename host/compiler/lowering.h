// The lowering of an op graph to commands: private to the compiler. Its functions are defined in
// one file for each idea, which the sections below name.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/plan.h"
#include "host/compiler/product.h"
#include "host/compiler/schedule.h"
#include "host/compiler/slots.h"
#include "host/compiler/vector_program.h"

namespace corank {

/// Blocks of a product that are rehearsed.
inline constexpr std::size_t kRehearsed = 24;

/// Operands that are loaded before they are needed.
inline constexpr std::size_t kChunksAhead = kTurns - 1;

/// Which products may be carried out together with others, where the estimates say that it pays.
struct Company {
  bool riders = true, products = true;
};

class Lowering {
 public:
  /// Keeps references to the graph, the machine and the limits.
  Lowering(const Graph& graph, const MachineShape& machine, const CompilerConfig& limits,
           const WeightStream& stream, const MemoryTiming& memory, const Company& company);

  /// Decides everything; to be called once. Returns how long the step takes in a rehearsal, if it
  /// is so short that it is rehearsed as a whole.
  std::optional<double> decide(std::uint64_t memory_size);
  /// Makes the commands; to be called once after that.
  CompiledStep run(std::uint64_t memory_size);

 private:
  // ---------------------------------------------------------------- compiler.cpp
  void choose_layouts();
  TensorLayout layout_of(ValueId id, bool may_transpose) const;
  std::int64_t program_rows() const;
  std::uint64_t program_bytes() const;
  // The buffers of every stage; throws MachineError if the plan is wrong, a defect of the compiler.
  void finish_plan();
  // Where those lie transposed whose elements are computed of each other, they all do.
  std::vector<bool> may_be_transposed() const;
  void gather_programs();  // equal programs are kept once
  void load_programs();
  void check_memory(std::uint64_t bytes, std::uint64_t values, std::uint64_t size,
                    const std::string& how_many) const;
  void check_commands(const std::vector<Stage>& stages) const;

  const TensorLayout& layout(ValueId id) const {
    return plan_.layouts[static_cast<std::size_t>(id)];
  }
  const Contraction* contraction_at(int op) const { return product_at(graph_, op); }
  const OpLowering& lowering(int op) const { return lowerings_[static_cast<std::size_t>(op)]; }

  // ---------------------------------------------------------------- streamed_weights.cpp
  // Those that only frozen products read, as their right operand.
  void find_streamed_values();
  bool is_streamed(ValueId id) const { return plan_.streamed[static_cast<std::size_t>(id)]; }
  bool streams(const Contraction& op) const;
  // The part of a streamed weight that a block of output columns needs, over the whole depth.
  void begin_tile(const Product& product, std::int64_t column, std::int64_t columns);
  // A block of a streamed weight, which is part of the newest tile; addresses are those in the tile
  // until place_tiles.
  Local load_from_tile(Slots& slots, const Block& block, std::int64_t needed_again);
  // Places of the ring take the largest tile; tile i goes to place i modulo their number. Returns
  // the first address after the ring.
  std::uint64_t place_tiles();

  // ---------------------------------------------------------------- shapes.cpp
  Product product_of(const Term& term, bool swapped) const;
  std::vector<Product> products_of(const Contraction& op) const;
  ContractionShape shape_of(const Contraction& op) const;
  // Nothing where the other product does not stream what they share.
  std::optional<Rider> rider_of(int op, const Contraction& host) const;
  // Whether a product is narrow enough.
  bool may_ride(const Contraction& op) const;
  // What a rider asks of the other product's blocks: its sums lie where those of element-wise work
  // would, of its own operand there are two buffers at least. All blocks of the first columns,
  // which it goes along with, come first.
  void limit_for_rider(const Rider& rider, const LocalAreas& areas, ContractionShape& shape) const;
  // The blocks of a narrow product that is carried out beside another one: all its rows, a panel of
  // columns, and as much of the depth as a buffer takes, in equal parts. Nothing where it cannot
  // be: the result must be as the sums are, and the operands lie in memory.
  std::optional<BlockSize> piece_size(int op) const;

  // ---------------------------------------------------------------- company.cpp
  OpCost cost_of(int index) const;
  // Leaves in a stage what pays to be carried out together; the rest gets stages of its own.
  void decide(std::vector<Stage>& stages);
  // Of a product's stage, what is to be carried out together. Element-wise work costs the array
  // nothing; products do, so they must save something.
  Stage what_pays(const Stage& stage) const;
  BesideUse use_of(const Stage& stage) const;
  // The first blocks of the cost rule; none if not even the smallest one fits. The search is long
  // and a model's layers are alike, so results are kept.
  const std::vector<BlockSize>& blocks_of(const ContractionShape& shape,
                                          const BesideUse& use) const;
  // Estimates: of a product together with what is in its stage, infinite where that does not fit;
  // and of ops one after another (-1: none).
  double cycles_of(const Stage& stage) const;
  double cycles_alone(const std::vector<int>& ops) const;
  // Of an element-wise op, array_cycles are those of the vector unit.
  ProductTime time_alone(int op) const;
  // What the array waits for a gemm with other sums in between, there and back.
  double change_of_sums() const { return 2 * static_cast<double>(2 * machine_.array_rows + 3); }

  // ---------------------------------------------------------------- rehearsal.cpp
  bool has_equal_products() const;
  // Chooses the blocks of every stage.
  std::optional<double> choose_blocks();
  // Of the first blocks of the cost rule, those with which a product's stage is over first, the
  // fastest in front.
  std::vector<BlockSize> best_blocks(const Stage& stage);
  // How long the stage takes with a block; of long ones at most about `most` cycles are waited for.
  double rehearsed_cycles(const Stage& stage, const ContractionShape& shape, const BlockSize& block,
                          double most) const;
  // The same of a part, which is lowered by itself and rehearsed as it is.
  double cycles_of_part(const Stage& stage, const ContractionShape& part, const BlockSize& block,
                        double most) const;
  double cycles_of_step(const std::vector<BlockSize>& sizes, double most) const;
  // One to lower stages of this step with, as often as one likes.
  Lowering rehearsal() const;
  // How long its commands take.
  double cycles(double most) const;
  // What the time of a stage depends on, beside its blocks.
  std::vector<std::int64_t> key_of(const Stage& stage) const;

  // ---------------------------------------------------------------- pieces.cpp
  // The pieces of the ops beside it go between the blocks of the stage's own op, and the gemms of a
  // rider between the first ones.
  void lower(const Stage& stage, const BlockSize& size);
  // A product's stage, of which `shape` may be a part, then with as much of the pieces.
  void lower(const Stage& stage, const ContractionShape& shape, const BlockSize& size);
  void begin(const Stage& stage);
  void finish_pieces();
  // The shape of a product in its stage. areas_ are those of the stage.
  ContractionShape shape_of(const Stage& stage) const;
  // Cuts an op into pieces, which are emitted later.
  void cut(int op);
  void cut_product(int op);
  // The two buffers of the accumulators that element-wise work takes turns with.
  struct Buffers {
    std::int64_t line, lines, pitch;
    std::int64_t at(std::size_t turn) const {
      return line + static_cast<std::int64_t>(turn % 2) * pitch;
    }
  };
  Buffers buffers() const;
  void add_piece(std::function<std::function<void()>()> emit);
  // Emits the pieces up to `end`. A product's piece is loaded now and multiplied `kChunksAhead`
  // calls later, so that the array does not wait for it; of two that are loaded the first is
  // multiplied before a third one takes its place.
  void emit_pieces(std::size_t end);
  void multiply_piece();

  // ---------------------------------------------------------------- elementwise.cpp
  void cut_elementwise(int op);
  bool is_element(ValueId id) const;  // whether an element-wise op reads or writes it
  // Of a tile's streams, those of FP32 in the accumulators and those of BF16 in the scratchpad.
  struct StreamCount {
    std::int64_t wide = 0, narrow = 0;
  };
  StreamCount count_streams(const std::vector<ElementStream>& streams) const;
  // What each of them may take, where there are two buffers for FP32 of so many lines.
  std::int64_t lines_for_tile(const StreamCount& count, std::int64_t buffer_lines) const;

  // ---------------------------------------------------------------- contraction.cpp
  void lower(const Contraction& op, int rider_op, const ContractionShape& shape,
             const BlockSize& size);
  // From the sums of a block of the output to memory.
  void finish_block(int op, const Block& target, const Local& sum, Slots& bias_slots,
                    Slots& output_slots);

  // ---------------------------------------------------------------- emission.cpp
  void emit(const interface::CommandWords& words, Engine engine,
            const std::vector<Access>& accesses);
  Access lines(Space space, const Local& local, bool write) const;
  Space local_space(ValueId id) const;
  template <class Command>
  std::vector<Access> fill_transfer(Command& command, const TensorLayout& place, const Block& block,
                                    std::int64_t line, bool write_memory);
  void emit_load(const TensorLayout& place, const Block& block, std::int64_t line);
  Local load(Slots& slots, const Block& block, std::int64_t needed_again = Slots::kNever);
  void store(const Block& block, std::int64_t line);
  // A stream of a vector command: where it lies, and whether every row reads the first one.
  struct Stream {
    Space space = Space::kScratchpad;
    Local local;
    bool write = false;
    bool first_row = false;
  };
  void emit_vector(int op, std::int64_t rows, std::int64_t columns,
                   const std::vector<Stream>& streams);
  // Columns [first, first + count) of a block in a local memory; `first` begins a line.
  Local panels_of(const Local& block, std::int64_t first, std::int64_t count) const;
  // sum (+)= stream . columns [first, first + sum.columns) of the stationary block.
  void emit_gemm(const Product& product, std::int64_t depth, const Local& stream,
                 const Local& stationary, std::int64_t first, const Local& sum, bool accumulate);

  // What is emitted between the blocks of a product, or after it; of a product's piece, the loads.
  // Returns what is to be emitted later.
  struct Piece {
    int op;
    std::function<std::function<void()>()> emit;
  };
  struct LoadedPiece {
    int op;
    std::int64_t calls_left;  // of emit_pieces()
    std::function<void()> multiply;
  };

  const Graph& graph_;
  const MachineShape& machine_;
  const CompilerConfig& limits_;
  BesideUse use_;     // of the stage that is lowered
  LocalAreas areas_;  // for that
  mutable std::map<std::vector<std::int64_t>, std::vector<BlockSize>> blocks_;  // found so far
  std::map<std::vector<std::int64_t>, std::vector<BlockSize>> best_blocks_;     // by key_of()
  Dependencies dependencies_;
  std::vector<OpLowering> lowerings_;           // by op
  std::vector<std::size_t> first_instruction_;  // by op
  CompiledStep step_;
  const WeightStream stream_;
  const MemoryTiming memory_;
  const Company company_;
  Plan plan_;
  std::vector<bool> ordered_;  // by value
  std::vector<Piece> pieces_;
  std::size_t next_piece_ = 0;
  std::deque<LoadedPiece> loaded_pieces_;
  std::int64_t next_stream_line_ = 0, next_stationary_line_ = 0, next_output_line_ = 0;
  std::int64_t sums_ = 0;        // blocks so far: they take turns with the buffers of sums
  std::int64_t piece_turn_ = 0;  // of the buffers of products beside another
  bool beside_ = false;          // whether what is cut goes beside a product
  int op_ = -1;
};

}  // namespace corank
