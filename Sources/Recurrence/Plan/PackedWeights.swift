import Synchronization
import Tensors

/// A step's weights as its programs read them: matrices packed in the precision asked for. Kept until a parameter
/// changes, so that they are packed once per update, and not at all while a trained model streams.
final class PackedWeights: Sendable {
  private struct Key: Hashable {
    let packing: Packing
    let precision: Precision
  }
  private struct State {
    var versions: [Int] = []
    var computed: [Int: Tensor] = [:]
    var packed: [Key: PackedMatrix] = [:]
  }
  private let state = Mutex(State())

  /// What was computed from these parameter versions, by number of the source.
  func computed(versions: [Int]) -> [Int: Tensor] {
    state.withLock { $0.versions == versions ? $0.computed : [:] }
  }

  /// Keeps what was computed, until the versions change.
  func remember(_ computed: [Int: Tensor], versions: [Int]) {
    state.withLock { state in
      if state.versions != versions { state.packed = [:] }
      state.versions = versions
      state.computed = computed
    }
  }

  /// The matrices that a program multiplies with. Packs those that are not kept from the same versions.
  func matrices(
    _ packings: [Packing], of weights: [BlockedWeight], _ values: WeightValues, precision: Precision
  ) -> [PackedMatrix] {
    var known = state.withLock { $0.versions == values.versions ? $0.packed : [:] }
    let missing = packings.filter { known[Key(packing: $0, precision: precision)] == nil }
    let sources = missing.map { packing in
      let weight = weights[packing.weight]
      let (rows, columns) = (weight.shape[0], weight.shape[1])
      return PackedMatrix.Source(
        blocks: weight.inMemory(values.sources), k: packing.transposed ? columns : rows,
        n: packing.transposed ? rows : columns, transposed: packing.transposed)
    }
    for (packing, matrix) in zip(missing, PackedMatrix.pack(sources, precision: precision)) {
      known[Key(packing: packing, precision: precision)] = matrix
    }
    state.withLock { state in
      guard state.versions == values.versions else { return }
      state.packed.merge(known) { old, _ in old }
    }
    return packings.map { known[Key(packing: $0, precision: precision)]! }
  }
}
