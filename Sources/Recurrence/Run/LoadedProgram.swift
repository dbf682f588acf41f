import Tensors

/// The values of a step's weights, and the versions of the parameters that they were computed from.
struct WeightValues {
  let tensors: [Tensor]
  let versions: [Int]
}

/// A program of a plan with the weights that it reads: ready to run over any batch.
struct LoadedProgram {
  enum Role {
    case inference, training, adjoint
  }
  let program: Program
  private let vectors: [Tensor]
  private let matrices: [PackedMatrix]
  private let keptStates: [Address]
  private let isReversed: Bool

  init(_ role: Role, of plan: Plan, _ weights: WeightValues, precision: Precision = .float32) {
    switch role {
    case .inference: program = plan.inference
    case .training: program = plan.training
    case .adjoint: program = plan.adjoint
    }
    vectors = weights.tensors
    matrices = plan.packed.matrices(
      program.packings, of: weights.tensors, versions: weights.versions, precision: precision)
    keptStates = role == .adjoint ? plan.training.newStates : program.newStates
    isReversed = role == .adjoint
  }

  /// Sequence buffers for a number of packed rows: the given ones, by index, and new ones.
  func buffers(rows: Int, given: [Int: Storage] = [:]) -> [Storage] {
    program.sequences.indices.map { index in
      if let known = given[index] { return known }
      let count = rows * program.sequences[index].stride
      return program.zeroed.contains(index) ? Storage(count: count, repeating: 0) : Storage(count: count)
    }
  }

  /// A run over a batch.
  ///
  /// - Parameters:
  ///   - start: what the carried states start from, in shard order; in an adjoint these are cotangents.
  ///   - initial: the states before the first step of the forward run, in shard order.
  func run(_ layout: Layout, _ sequences: [Storage], from start: [Storage], initial: [Storage]) -> ProgramRun {
    ProgramRun(
      program: program, layout: layout, sequences: sequences, vectors: vectors, matrices: matrices, start: start,
      initial: initial, keptStates: keptStates, isReversed: isReversed)
  }
}
