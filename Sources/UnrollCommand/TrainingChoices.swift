import ArgumentParser
import Unroll

// Flags of a training whose values are words with a number: `--clip value=0.5`, `--average ema=0.999`.

/// How gradients are kept small: `--clip 1` (a norm), `value=0.5`, `adaptive=0.01`; 0: not at all.
struct ClippingChoice: ExpressibleByArgument, CustomStringConvertible {
  let clipping: Clipping

  init(_ clipping: Clipping) { self.clipping = clipping }

  var description: String {
    switch clipping {
    case .none: "0"
    case .norm(let limit): "\(limit)"
    case .value(let limit): "value=\(limit)"
    case .adaptive(let ratio): "adaptive=\(ratio)"
    }
  }

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let limit = parts.last.flatMap({ Float($0) }) else { return nil }
    switch parts.count == 2 ? parts[0] : "norm" {
    case "norm": clipping = limit == 0 ? .none : .norm(limit)
    case "value": clipping = .value(limit)
    case "adaptive": clipping = .adaptive(limit)
    default: return nil
    }
  }
}

/// How weights are averaged: `--average ema`, `ema=0.99`, `nt-asgd`, `nt-asgd=5`.
struct AveragingChoice: ExpressibleByArgument {
  let averaging: Averaging

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.dropFirst().first) {
    case ("ema", nil): averaging = .exponential(decay: 0.999)
    case ("ema", let text?):
      guard let decay = Float(text) else { return nil }
      averaging = .exponential(decay: decay)
    case ("nt-asgd", nil): averaging = .triggered()
    case ("nt-asgd", let text?):
      guard let patience = Int(text) else { return nil }
      averaging = .triggered(patience: patience)
    default: return nil
    }
  }
}

/// How recurrent weights begin: `--recurrent-initializer identity`, `orthogonal=1.5`.
struct InitializerChoice: ExpressibleByArgument {
  let initializer: Initializer

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let scale = parts.count == 1 ? 1 : Float(parts[1]), scale.isFinite else { return nil }
    switch (parts[0], parts.count) {
    case ("orthogonal", _): initializer = .orthogonal(gain: scale)
    case ("identity", _): initializer = .identity(scale: scale)
    case ("glorot", 1): initializer = .glorotUniform
    default: return nil
    }
  }
}

/// For how many time steps memories begin to last: `--chrono 100`; 0: as long as what is learnt from.
struct MemoryChoice: ExpressibleByArgument, CustomStringConvertible {
  let steps: Int

  init(steps: Int) { self.steps = steps }

  init?(argument: String) {
    guard let steps = Int(argument), steps != 0 else { return nil }
    self.steps = steps
  }

  var description: String { steps == 0 ? "the longest" : "\(steps)" }
}

/// A group of parameters with a weight decay of its own: `embedding=0`.
struct DecayOfGroup: ExpressibleByArgument {
  let group: ParameterGroup

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let decay = Float(parts[1]) else { return nil }
    group = ParameterGroup(String(parts[0]), weightDecay: decay)
  }
}
