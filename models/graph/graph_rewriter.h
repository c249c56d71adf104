// Rewriting a forward graph in place. A rewrite is told by values, never by places of ops, so that
// rewrites stack: each finds what those before it have made.
#pragma once

#include <functional>
#include <string>

#include "models/graph/graph.h"

namespace corank {

/// The ops of a module, with all that was put into it: those on which `out` depends, but for those
/// on which `in` does.
struct Span {
  ValueId in = -1;  // -1: the module reads parameters only
  ValueId out = -1;
};

class GraphRewriter {
 public:
  explicit GraphRewriter(Graph& graph) : graph_(graph) {}

  Graph& graph() { return graph_; }

  /// The op that computes a value. Throws InputError if none does.
  Op& writer_of(ValueId value);

  // What `append` adds at the end of the graph's ops comes to stand ...
  using Append = std::function<void()>;
  /// ... before all others: what is computed of parameters alone.
  void insert_first(const Append& append);
  /// ... right before the op that computes `value`.
  void insert_before(ValueId value, const Append& append);
  /// ... right before the first op of the span that reads `value`.
  void insert_before_uses(Span span, ValueId value, const Append& append);
  /// ... right after the op that computed `value`. That op computes a new value like it instead,
  /// named `name` or, if there is one, like it; `append` must compute `value` of the new one.
  void insert_after(ValueId value, const std::string& name,
                    const std::function<void(ValueId base)>& append);

  /// The ops of the span read `to` in place of `from`; none of them reads `to` yet. With
  /// insert_first() a weight becomes a computed value so, for one of the modules that read it.
  void replace_uses(Span span, ValueId from, ValueId to);

 private:
  std::size_t position_of_writer(ValueId value) const;
  /// Places of the ops of the span that read `value`, ascending. Throws InputError for none.
  std::vector<std::size_t> uses(Span span, ValueId value) const;
  /// Values that are added come from `origin`.
  void insert_at(std::size_t position, const Origin& origin, const Append& append);

  Graph& graph_;
};

}  // namespace corank
