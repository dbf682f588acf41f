import ArgumentParser
import Networks
import Unroll

/// What helps against gradients that vanish or explode, as flags of benches on problems that need a memory; a training
/// of a model has them as well.
struct RemedyOptions: ParsableArguments {
  @Option(help: "How gradients move the weights: adam, or sgd with a momentum of 0.9.")
  var optimizer = OptimizerName.adam
  @Option(parsing: .unconditional, help: "The optimiser's learning rate.") var learningRate: Float = 0.002
  @Option(
    help: ArgumentHelp(
      "How recurrent weights begin: orthogonal[=GAIN], identity[=SCALE] or glorot.", valueName: "kind"))
  var recurrentInitializer: InitializerChoice?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Begin gates so that memories last from 1 to so many time steps; cells without such gates stay as they are.",
      valueName: "steps"))
  var chrono: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Factor of the penalty on steps that shrink or stretch the gradients that flow back.", valueName: "factor"))
  var preserveGradients: Float?

  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case adam, sgd }

  func validate() throws {
    guard learningRate > 0, learningRate.isFinite else {
      throw ValidationError("--learning-rate is \(learningRate), and must be above 0")
    }
    if let preserveGradients, !(preserveGradients > 0 && preserveGradients.isFinite) {
      throw ValidationError("--preserve-gradients is \(preserveGradients), and must be above 0")
    }
    if let chrono, chrono < 2 { throw ValidationError("--chrono is \(chrono), and must be 2 or more") }
  }

  /// A network that begins as these say.
  func network(
    _ cell: CellKind, layers: Int, hidden: Int, for problem: MemoryProblem, seed: UInt64
  ) -> MemoryNetwork {
    var random = RandomSource(seed: seed)
    var initialization = CellInitialization()
    if let recurrentInitializer { initialization.recurrent = recurrentInitializer.initializer }
    let network = MemoryNetwork(
      cell, layers: layers, hidden: hidden, for: problem, initialization: initialization, using: &random)
    if let chrono { network.initializeChrono(longest: chrono, using: &random) }
    return network
  }

  func settings(epochs: Int, clipping: Clipping) -> TrainingSettings {
    TrainingSettings(
      epochs: epochs, learningRate: learningRate, rule: optimizer == .sgd ? .sgd(momentum: 0.9) : .adam(),
      clipping: clipping, gradientPreservation: preserveGradients)
  }
}
