import Tensors

/// What a step's weights are made of, and the versions of the parameters that it is.
struct WeightValues {
  let sources: [Tensor]
  let versions: [Int]
}

extension Plan {
  /// The values of the weights' sources for the parameters as they are, computed on the tape if one is recording.
  func weightSources() -> (tensors: [Tensor], values: WeightValues) {
    let versions = weights.parameters.map(\.version)
    var known: [Int: Tensor] = [:]
    // What is on a tape has to be computed there.
    if case .none = Recording.current { known = packed.computed(versions: versions) }
    let tensors = weights.tensors(known: known)
    packed.remember(weights.computed(of: tensors), versions: versions)
    return (tensors, WeightValues(sources: tensors.map(\.detached), versions: versions))
  }
}

/// A program of a plan with the weights that it reads: ready to run over any batch.
struct LoadedProgram {
  enum Role {
    case inference, training
    case adjoint(AdjointProgram)
  }
  let program: Program
  /// By weight: the vectors that the program reads.
  private let vectors: [Int: Tensor]
  private let matrices: [PackedMatrix]
  private let keptStates: [Address]
  private let isReversed: Bool

  init(_ role: Role, of plan: Plan, _ weights: WeightValues, precision: Precision = .float32) {
    var keptStates: [Address]?
    switch role {
    case .inference: program = plan.inference
    case .training: program = plan.training
    case .adjoint(let adjoint):
      program = adjoint.program
      keptStates = plan.training.newStates
    }
    vectors = Dictionary(
      uniqueKeysWithValues: program.vectors.map { ($0, plan.weights.weights[$0].tensor(weights.sources)) })
    matrices = plan.packed.matrices(program.packings, of: plan.weights.weights, weights, precision: precision)
    self.keptStates = keptStates ?? program.newStates
    isReversed = keptStates != nil
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
  ///   - contexts: in shard order.
  func run(
    _ layout: Layout, _ sequences: [Storage], from start: [Storage], initial: [Storage], contexts: [Storage]
  ) -> ProgramRun {
    ProgramRun(
      program: program, layout: layout, sequences: sequences, vectors: vectors, matrices: matrices, start: start,
      initial: initial, contexts: contexts, keptStates: keptStates, isReversed: isReversed)
  }
}
