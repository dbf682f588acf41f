import Recurrence
import Tensors

/// Noise and normalisation inside a recurrent layer, for any cell: written into the equations that the cell has, which
/// stay as they are and run compiled.
///
///     Recurrent(
///       LSTM(inputSize: 32, hiddenSize: 64, using: &random),
///       regularization: Regularization(stateDropout: 0.25, zoneout: ["hidden": 0.05, "cell": 0.5]))
///
/// Rates are probabilities in 0..<1; 0, the default, is none of that kind. Masks come from the random source of an
/// ``Evaluation``, anew at every call of the layer, so at every chunk of truncated backpropagation through time; a
/// caller who gives each chunk the same source gets the same masks for sequences and weights. They depend on the
/// source, the batch's size and each value's sequence and time step: not on the number of threads, on what is compiled,
/// or on checkpoints. Without a random source there is no noise: dropout and DropConnect do nothing, as their masks
/// have a mean of 1, and zoneout blends by its rates. So does a ``Session``.
public struct Regularization: Hashable, Sendable, Codable {
  /// Variational dropout of the layer's input: one mask for a sequence, the same at all its time steps (Gal &
  /// Ghahramani 2016).
  public var inputDropout: Float
  /// Variational dropout of the state, where products with weights read it: one mask for each part and sequence (Gal &
  /// Ghahramani 2016). What is carried over outside products (an LSTM's memory) stays whole.
  public var stateDropout: Float
  /// Variational dropout of the layer's output.
  public var outputDropout: Float
  /// Recurrent dropout: what is newly written into the state is dropped, what it remembers never (Semeniuta et al.
  /// 2016).
  ///
  /// A part's new value is read as `s' = a * s + b`, and b is dropped: C~ of an LSTM, h~ of a GRU. Parts that are no
  /// such sum are left alone when another part is one; if none is, the whole new values are dropped.
  public var recurrentDropout: Float
  /// How long a mask of ``recurrentDropout`` lasts; a time step by default.
  public var recurrentMasks: MaskSpan
  /// Zoneout: units of the state that stay what they were (Krueger et al. 2016). A rate for all parts, or by name.
  public var zoneout: PartRates
  /// DropConnect on the recurrent weight matrices, one mask for a call (Merity et al. 2017, "weight drop"). Cells
  /// without such matrices have nothing to drop.
  public var dropConnect: Float
  /// Layer normalisation of every product that leads to the state, apart for the state's share and the input's, each
  /// with a learnt gain and shift: LN(U·h) + LN(V·x) (Ba et al. 2016).
  public var normalizesLayers: Bool

  /// How long a mask lasts.
  public enum MaskSpan: String, Hashable, Sendable, Codable, CaseIterable {
    /// Each time step has its own.
    case step
    /// All time steps of a sequence have the same.
    case sequence
  }

  /// Rates for the parts of a state.
  ///
  ///     let all: Regularization.PartRates = 0.1
  ///     let some: Regularization.PartRates = ["hidden": 0.05, "cell": 0.5]   // others 0
  public struct PartRates: Hashable, Sendable, Codable, ExpressibleByFloatLiteral, ExpressibleByDictionaryLiteral {
    /// The rate of parts that are not named.
    public var others: Float
    /// Rates by the part's name.
    public var named: [String: Float]

    /// Rates by name, and one for all other parts.
    public init(named: [String: Float] = [:], others: Float = 0) {
      self.named = named
      self.others = others
    }

    /// One rate for all parts.
    public init(floatLiteral value: Float) { self.init(others: value) }

    /// Rates by name. Traps when a name occurs twice.
    public init(dictionaryLiteral elements: (String, Float)...) {
      self.init(named: Dictionary(uniqueKeysWithValues: elements))
    }

    /// The rate of a part.
    public subscript(part: String) -> Float { named[part] ?? others }
  }

  /// Creates a choice.
  public init(
    inputDropout: Float = 0, stateDropout: Float = 0, outputDropout: Float = 0, recurrentDropout: Float = 0,
    recurrentMasks: MaskSpan = .step, zoneout: PartRates = PartRates(others: 0), dropConnect: Float = 0,
    normalizesLayers: Bool = false
  ) {
    self.inputDropout = inputDropout
    self.stateDropout = stateDropout
    self.outputDropout = outputDropout
    self.recurrentDropout = recurrentDropout
    self.recurrentMasks = recurrentMasks
    self.zoneout = zoneout
    self.dropConnect = dropConnect
    self.normalizesLayers = normalizesLayers
  }

  /// Nothing.
  public static let none = Regularization()

  /// Each rate with its name, as flags have it.
  private var rates: [(name: String, rate: Float)] {
    [
      ("input-dropout", inputDropout), ("state-dropout", stateDropout), ("output-dropout", outputDropout),
      ("recurrent-dropout", recurrentDropout), ("drop-connect", dropConnect), ("zoneout", zoneout.others),
    ] + zoneout.named.sorted { $0.key < $1.key }.map { ("zoneout of `\($0)`", $1) }
  }

  /// What is wrong for a cell whose state has parts of these names, and with which rate; nil when nothing is.
  package func fault(parts: [String]) -> (rate: String, message: String)? {
    if let wrong = rates.first(where: { !($0.rate >= 0 && $0.rate < 1) }) {
      return (wrong.name, "\(wrong.name) is \(wrong.rate), and must be at least 0 and below 1")
    }
    return zoneout.named.keys.sorted().first { !parts.contains($0) }
      .map { ("zoneout", "zoneout of `\($0)`, and the cell's state has \(parts)") }
  }

  /// A step whose state has parts of these names, unrolled with this in it. `norms` makes gain and shift of each
  /// product that is normalised; `plain` is the step as it is.
  func recurrence(
    of step: StepFunction, plain: Unroller, parts: [String],
    norms: (NormalizedProduct) -> (gain: Parameter, shift: Parameter)
  ) -> RegularizedRecurrence {
    let zoneouts = parts.map { zoneout[$0] }
    guard normalizesLayers || (zoneouts + [stateDropout, recurrentDropout, dropConnect]).contains(where: { $0 > 0 })
    else { return RegularizedRecurrence(plain: plain, parts: parts) }
    let noise = StepNoise(
      zoneout: zoneouts, recurrentDropout: recurrentDropout,
      recurrentSpan: recurrentMasks == .step ? .step : .sequence, stateDropout: stateDropout, dropConnect: dropConnect)
    return withoutActuallyEscaping(norms) {
      RegularizedRecurrence(step, parts: parts, noise: noise, norms: normalizesLayers ? $0 : nil)
    }
  }
}

extension SequenceBatch {
  /// The batch with one mask for each sequence, when the evaluation has a random source.
  func dropped(_ rate: Float, in evaluation: inout Evaluation) -> SequenceBatch {
    guard rate > 0, evaluation.random != nil else { return self }
    let mask = Mask(.sequence, [features], rate: rate).draw(for: layout, using: &evaluation.random!)
    return mapRows { $0 * mask.gatheringRows(layout.paddedIndex.map { Int32($0 % layout.batch) }) }
  }
}

/// Gains and shifts of the products that layer normalisation is applied to, by name: `forget.recurrent` is U·h of the
/// layer `forget`, `forget.input` its V·x.
public struct ProductNorms: Module, CustomReflectable {
  /// The learnt values of one product.
  public struct Norm: Module {
    /// Begins as 1, [width].
    public let gain: Parameter
    /// Begins as 0, [width].
    public let shift: Parameter
  }
  /// The products' names, in the order of the cell's equations.
  public private(set) var names: [String] = []
  /// One for each name.
  public private(set) var values: [Norm] = []

  /// The norm of this product; nil when there is none.
  public subscript(name: String) -> Norm? { zip(names, values).first { $0.0 == name }?.1 }

  /// Shows the norms under the names of their products.
  public var customMirror: Mirror { Mirror(self, children: zip(names, values).map { ($0, $1) }) }

  /// Adds a norm for a product of `module`.
  mutating func append(_ product: NormalizedProduct, of module: some Module) -> (gain: Parameter, shift: Parameter) {
    let norm = Norm(
      gain: Parameter(.ones([product.width])), shift: Parameter(.zeros([product.width])))
    let path = module.parameters.first { $0.parameter === product.weight }?.path.split(separator: ".").map(String.init)
    let layer = path.map { $0.count > 1 ? $0.dropLast().joined(separator: ".") : $0[0] } ?? "product"
    let name = layer + (product.isRecurrent ? ".recurrent" : ".input")
    let taken = names.count { $0 == name || $0.hasPrefix(name + " ") }
    names.append(taken == 0 ? name : "\(name) \(taken + 1)")
    values.append(norm)
    return (norm.gain, norm.shift)
  }
}
