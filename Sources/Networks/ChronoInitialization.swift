import Tensors

/// A cell whose gates decide for how many time steps its memory lasts, so that it can begin by chrono initialisation:
/// ``Module/initializeChrono(longest:using:)``.
public protocol ChronoCell: RecurrentCell {
  /// The biases of those gates.
  var memoryGates: [MemoryGate] { get }
}

/// The biases of a gate over a memory.
public struct MemoryGate: Sendable {
  /// What the gate's σ is.
  public enum Share: Sendable {
    /// The share of the old that stays: a forget gate.
    case ofTheOld
    /// The share of the new that is written: an input gate.
    case ofTheNew
  }
  /// The parameter that holds the biases.
  public let bias: Parameter
  /// Where in it they stand, one for each unit.
  public let units: Range<Int>
  /// What the gate's σ is.
  public let share: Share

  /// A gate whose biases are all of a parameter, or of a part of it.
  public init(_ share: Share, _ bias: Parameter, units: Range<Int>? = nil) {
    self.bias = bias
    self.units = units ?? 0..<bias.shape.count
    self.share = share
  }
}

extension Module {
  /// Begins the gates of all cells in the module so that their memories last for 1 to `steps` time steps, evenly spread
  /// over the units (chrono initialisation, Tallec & Ollivier 2018): with u even in 1…steps - 1, the bias of a gate for
  /// the old is ln u, of one for the new -ln u.
  ///
  ///     let layer = Recurrent(LSTM(inputSize: 1, hiddenSize: 128, using: &random))
  ///     layer.initializeChrono(longest: 784, using: &random)
  ///
  /// Traps when `steps` is less than 2.
  ///
  /// - Returns: The number of cells that have such gates (``ChronoCell``); of others nothing changes.
  @discardableResult
  public func initializeChrono(longest steps: Int, using random: inout RandomSource) -> Int {
    demand(steps >= 2, "initializeChrono: memories of \(steps) time steps")
    let cells = recurrentCells(in: self).compactMap { $0 as? any ChronoCell }.filter { !$0.memoryGates.isEmpty }
    for cell in cells {
      // A unit's gates have one u.
      let gates = cell.memoryGates
      let logarithms = log(random.uniform([gates[0].units.count], in: 1...Float(steps - 1))).values
      for gate in gates {
        let sign: Float = gate.share == .ofTheOld ? 1 : -1
        gate.bias.update { biases in
          for (place, value) in zip(gate.units, logarithms) { biases[place] = sign * value }
        }
      }
    }
    return cells.count
  }
}

extension LSTM: ChronoCell {
  /// Forget and input gate.
  public var memoryGates: [MemoryGate] { gates(forget.bias, input.bias) }
}

extension VariantLSTM: ChronoCell {
  /// Forget and input gate, or the one that is both.
  public var memoryGates: [MemoryGate] { gates(forget?.bias, input.bias) }
}

extension MultiplicativeLSTM: ChronoCell {
  /// Forget and input gate.
  public var memoryGates: [MemoryGate] { gates(forget.bias, input.bias) }
}

extension MinLSTM: ChronoCell {
  /// Forget and input gate.
  public var memoryGates: [MemoryGate] { gates(forget.bias, input.bias) }
}

extension LayerNormLSTM: ChronoCell {
  /// Forget and input gate, which stand first.
  public var memoryGates: [MemoryGate] {
    [
      MemoryGate(.ofTheOld, bias, units: 0..<hiddenSize),
      MemoryGate(.ofTheNew, bias, units: hiddenSize..<2 * hiddenSize),
    ]
  }
}

extension GRU: ChronoCell {
  /// The update gate.
  public var memoryGates: [MemoryGate] {
    form == .textbook ? gates(nil, update.bias) : gates(update.bias, nil)
  }
}

extension LayerNormGRU: ChronoCell {
  /// The update gate, which stands first.
  public var memoryGates: [MemoryGate] { [MemoryGate(.ofTheNew, bias, units: 0..<hiddenSize)] }
}

extension LiGRU: ChronoCell {
  /// The update gate; with layer normalisation its shift is its bias.
  public var memoryGates: [MemoryGate] { gates(update.bias ?? updateNorm?.shift, nil) }
}

extension MGU: ChronoCell {
  /// The one gate.
  public var memoryGates: [MemoryGate] { gates(nil, forget.bias) }
}

extension MinGRU: ChronoCell {
  /// The update gate.
  public var memoryGates: [MemoryGate] { gates(nil, update.bias) }
}

extension SRU: ChronoCell {
  /// The forget gate.
  public var memoryGates: [MemoryGate] { gates(forget.bias, nil) }
}

extension QRNN: ChronoCell {
  /// The forget gate.
  public var memoryGates: [MemoryGate] { gates(forget.bias, nil) }
}

/// Gates for the old and for the new, as far as they are there.
private func gates(_ old: Parameter?, _ new: Parameter?) -> [MemoryGate] {
  [old.map { MemoryGate(.ofTheOld, $0) }, new.map { MemoryGate(.ofTheNew, $0) }].compactMap { $0 }
}
