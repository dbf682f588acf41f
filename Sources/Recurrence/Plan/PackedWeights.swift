import Synchronization
import Tensors

/// A step's weights as its programs read them: vectors as they are, matrices packed in the precision asked for. Kept
/// until a parameter changes, so that they are packed once per update, and not at all while a trained model streams.
final class PackedWeights: Sendable {
  private struct Key: Hashable {
    let packing: Packing
    let precision: Precision
  }
  private struct State {
    var versions: [Int] = []
    var tensors: [Tensor] = []
    var packed: [Key: PackedMatrix] = [:]
  }
  private let state = Mutex(State())

  /// The weights' values for these parameter versions; `compute` makes them when they are not known yet.
  func tensors(versions: [Int], compute: () -> [Tensor]) -> [Tensor] {
    let known = state.withLock { $0.versions == versions && !$0.tensors.isEmpty ? $0.tensors : nil }
    if let known { return known }
    let tensors = compute()
    remember(tensors, versions: versions)
    return tensors
  }

  /// Keeps values that were computed elsewhere (on a tape).
  func remember(_ tensors: [Tensor], versions: [Int]) {
    let values = tensors.map(\.detached)
    state.withLock { state in
      if state.versions != versions { state.packed = [:] }
      state.versions = versions
      state.tensors = values
    }
  }

  /// The matrices that a program multiplies with. Packs those that are not kept from the same versions.
  func matrices(
    _ packings: [Packing], of tensors: [Tensor], versions: [Int], precision: Precision
  ) -> [PackedMatrix] {
    let known = state.withLock { $0.versions == versions ? $0.packed : [:] }
    let matrices = packings.map { packing -> PackedMatrix in
      if let matrix = known[Key(packing: packing, precision: precision)] { return matrix }
      let weight = tensors[packing.weight]
      let (rows, columns) = (weight.shape[0], weight.shape[1])
      return PackedMatrix(
        weight.storage.floats, k: packing.transposed ? columns : rows, n: packing.transposed ? rows : columns,
        columns: columns, transposed: packing.transposed, precision: precision)
    }
    state.withLock { state in
      guard state.versions == versions else { return }
      for (packing, matrix) in zip(packings, matrices) {
        state.packed[Key(packing: packing, precision: precision)] = matrix
      }
    }
    return matrices
  }
}
