/// What a gradient watch saw in one update. This is also a line of `watch.jsonl`.
///
///     if case .watch(let seen) = event, let layer = seen.layers.first {
///       print(layer.name, layer.states[0].gradientNorms, layer.lyapunovExponent ?? .nan)
///     }
///
/// All norms are Euclidean, of the gradient of the mean loss, before clipping.
public struct WatchReport: Sendable, Hashable, Codable {
  /// The epoch, from 1.
  public var epoch: Int
  /// Updates made since the beginning of the training, this one among them.
  public var updatesDone: Int
  /// Mean loss of the minibatch, in nats per unit.
  public var loss: Double
  /// Global norm of the gradient before clipping.
  public var gradientNorm: Double
  /// The learning rate of the update.
  public var learningRate: Float
  /// Share of the updates since the last report whose gradient was clipped to a norm, in 0...1; 0 with other ways of
  /// clipping.
  public var clippedShare: Double
  /// The recurrent layers, in the order of their runs.
  public var layers: [LayerWatch]
  /// The parameters that have a gradient, in the network's order.
  public var parameters: [ParameterWatch]
  /// The gradient noise scale (McCandlish et al. 2018), in minibatches: how many of them a batch could hold before it
  /// would learn no more than twice as slowly per unit; from the products of gradients of neighbouring updates,
  /// averaged since the beginning. nil until it can be told, or where noise hides the gradient.
  public var noiseScale: Double?
  /// Seconds that watching took, beside the update itself.
  public var seconds: Double
}

/// One recurrent layer, or one direction of it.
public struct LayerWatch: Sendable, Hashable, Codable {
  /// Its path in the network: `recurrent.0`, `encoder.1.forward`.
  public var name: String
  /// Sequences of the minibatch.
  public var sequences: Int
  /// Lengths of the sequences, longest and mean.
  public var steps: Int
  /// Mean length of the sequences.
  public var meanSteps: Double
  /// The state's parts.
  public var states: [StateWatch]
  /// The gates, and other squashing functions of products with weights.
  public var gates: [GateWatch]
  /// Spectral radius of each recurrent weight matrix: its largest eigenvalue's absolute value.
  public var recurrentWeights: [RecurrentWeightWatch]
  /// Estimate of the largest Lyapunov exponent of the layer's steps: by e to this a random gradient grows at each step
  /// on its way back, on average over up to eight of the longest sequences. Negative: gradients vanish. nil where no
  /// sequence has four steps.
  public var lyapunovExponent: Double?
  /// Share of units whose output hardly changes over all rows of the minibatch.
  public var deadUnits: Double

  /// By what theory says that a gradient is multiplied at each step back, of a plain cell h' = tanh(W·[h, x] + b): the
  /// spectral radius of the recurrent matrix whose rows are multiplied with their units' mean slopes 1 - h² of tanh.
  /// nil for other cells, and in records of older programs.
  public var expectedDecay: Double?
}

/// A part of a layer's state: the hidden state, an LSTM's memory.
public struct StateWatch: Sendable, Hashable, Codable {
  /// The part's name: `hidden`, `cell`.
  public var name: String
  /// ‖∂L/∂h_t‖ at every time step, in the order in which the layer walks, over all sequences that have the step.
  public var gradientNorms: [Double]
  /// The same by distance from each sequence's own last step: first the last step.
  public var gradientNormsFromEnd: [Double]
  /// The factor by which the norm changes with each step away from the end: below 1, gradients vanish. nil where there
  /// are too few steps.
  public var decay: Double?
  /// Root mean square of the state's values.
  public var magnitude: Double
}

/// A gate of a layer.
public struct GateWatch: Sendable, Hashable, Codable {
  /// The name of the layer of weights that it is a function of: `forget`.
  public var name: String
  /// `sigmoid`, `tanh` or `relu`.
  public var function: String
  /// Mean of its values.
  public var mean: Double
  /// Share of values where the function is flat at its lower and its upper end: a sigmoid below 0.05 and above 0.95, a
  /// tanh beyond ±0.95, a relu at 0.
  public var saturatedLow, saturatedHigh: Double
  /// Number of values in each of 20 equal intervals of `histogramRange`.
  public var histogram: [Int]
  /// From 0 to 1 of a sigmoid, -1 to 1 of a tanh, 0 to the largest value of a relu.
  public var histogramRange: [Double]
}

/// A recurrent weight matrix.
public struct RecurrentWeightWatch: Sendable, Hashable, Codable {
  /// The name of the gate that it belongs to.
  public var name: String
  /// The largest absolute value of its eigenvalues.
  public var spectralRadius: Double
}

/// A parameter in one update.
public struct ParameterWatch: Sendable, Hashable, Codable {
  /// Its path in the network.
  public var path: String
  /// Norm of its gradient, before clipping.
  public var gradientNorm: Double
  /// Norm of its values before the update.
  public var weightNorm: Double
  /// Norm of the change that the update made.
  public var updateNorm: Double

  /// By how much of its norm the parameter moved; about 10⁻³ is healthy with Adam.
  public var updateRatio: Double { weightNorm > 0 ? updateNorm / weightNorm : 0 }
}
