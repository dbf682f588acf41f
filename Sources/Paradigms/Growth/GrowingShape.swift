import Networks
import Training

/// Sizes of a network that can grow: ``Ladder``.
public protocol GrowingShape: Hashable, Sendable, Codable {
  /// The numbers of units that a wider network has more of, the state's first. What they make stands in this order
  /// along a weight's axis: the columns of a layer on [h, x] are those of h, then those of x.
  var widths: [Int] { get set }
  /// Where else than in this order they stand: ``UnitAxes``; by default nowhere.
  var blockOrders: [String: [[Int]]] { get }
  /// Number of layers; those above the first are added to what they read (``Residual``), so that one that is new can
  /// begin by changing nothing.
  var depth: Int { get set }
  /// The recurrent cell; nil: there is none.
  var growingCell: CellKind? { get set }
  /// Whether layers above the first are added to what they read; nil: no.
  var isResidual: Bool? { get }
  /// Rate of the dropout.
  var dropout: Float { get set }
}

/// Sizes of a network whose recurrent layers have one cell.
public protocol CellShape: GrowingShape {
  /// The recurrent layers' cell.
  var cell: CellKind { get set }
}

extension CellShape {
  /// The recurrent cell.
  public var growingCell: CellKind? {
    get { cell }
    set { cell = newValue ?? cell }
  }
}

/// Sizes of a network that is a stack of recurrent layers of one cell.
public protocol StackShape: CellShape {
  /// Number of recurrent layers.
  var layers: Int { get set }
  /// Whether layers above the first are added to what they read; nil: no.
  var isResidual: Bool? { get set }
}

extension StackShape {
  /// The recurrent layers.
  public var depth: Int {
    get { layers }
    set {
      layers = newValue
      isResidual = newValue > 1 ? true : nil
    }
  }
}

extension GrowingShape {
  /// Nowhere.
  public var blockOrders: [String: [[Int]]] { [:] }
  /// Nothing is added.
  public var isResidual: Bool? { nil }

  /// Sizes on a line: `2 × gru of 64`.
  public var sizes: String {
    growingCell.map { "\(depth) × \($0.rawValue) of \(widths[0])" }
      ?? widths.map(String.init).joined(separator: " → ")
  }

  /// The highest rate of dropout that is tried.
  static var mostDropout: Float { 0.6 }

  /// The units of the smallest network.
  private static var fewestUnits: Int { 8 }

  /// The smallest network on the way to this one: one layer of a sixteenth of its units, 8 at least, and plain cells
  /// unless `cell` says which.
  func start(cell: CellKind?) -> Self {
    var small = self
    small.depth = 1
    if growingCell != nil { small.growingCell = cell ?? .elman }
    small.widths = widths.map { min($0, max(Self.fewestUnits, $0 / 16)) }
    return small
  }

  /// A step from this network towards `limit`; nil when there is none of that kind.
  func grown(by step: GrowthStep, towards limit: Self) -> Self? {
    var grown = self
    switch step {
    case .start: return nil
    case .afresh, .prolong: return self
    case .full: return limit
    case .narrow: grown.widths = widths.map { min($0, max(Self.fewestUnits, $0 / 2)) }
    case .regularize: grown.dropout = max(dropout, min(Self.mostDropout, dropout + 0.2))
    case .gate:
      guard growingCell == .elman else { return nil }
      grown.growingCell = limit.growingCell == .gruResetAfter ? .gruResetAfter : .gru
    case .widen:
      let most = limit.widths
      grown.widths = widths.enumerated().map { max($1, min(2 * $1, most[min($0, most.count - 1)])) }
    case .deepen: grown.depth = depth + 1
    }
    return grown == self ? nil : grown
  }
}

/// What says how a growing model is trained: sizes and settings.
public protocol GrowingConfiguration: Hashable, Sendable, Codable {
  /// The sizes' type.
  associatedtype Shape: GrowingShape
  /// The sizes.
  var growing: Shape { get set }
  /// How it is trained.
  var settings: TrainingSettings { get set }
  /// The version of a model folder with these contents.
  var neededVersion: Int { get }
  /// The version of the folder's form.
  var version: Int { get set }
  /// For how many time steps gates begin to keep a memory; nil: as the cell begins by itself.
  var longestMemory: Int? { get }
}

extension GrowingConfiguration {
  /// The same with other sizes, trained at another rate, for another number of epochs.
  func sized(_ shape: Shape, learningRate: Float, epochs: Int) -> Self {
    var own = sized(shape)
    own.settings.learningRate = learningRate
    // Of a longer training, what stands still for a while is a smaller part.
    let (times, patience) = (epochs / settings.epochs, settings.earlyStopping?.patience ?? 0)
    own.settings.earlyStopping?.patience = min(patience, .max / max(1, times)) * max(1, times)
    own.settings.epochs = epochs
    return own
  }

  /// The same with other sizes.
  func sized(_ shape: Shape) -> Self {
    var own = self
    own.growing = shape
    own.version = own.neededVersion
    return own
  }
}

extension ModelConfiguration: GrowingConfiguration where Shape: GrowingShape {
  /// The sizes.
  public var growing: Shape {
    get { shape }
    set { shape = newValue }
  }
  /// 2 with layers that are added to what they read, else 1.
  public var neededVersion: Int { shape.isResidual == true ? 2 : 1 }
}

extension TextConfiguration: GrowingConfiguration {
  /// The network's sizes.
  public var growing: TextNetworkShape {
    get { network }
    set { network = newValue }
  }
}

extension TrainingSettings {
  /// Lets a learning rate that is constant fall along a cosine, over 10 epochs unless it is said how many: rungs are
  /// compared, and what is left of a constant rate's noise would drown their differences.
  ///
  /// - Parameters:
  ///   - epochs: The number of epochs; nil: 10, or fewer where there are fewer.
  ///   - patience: As ``EarlyStopping`` has it; 0: none; nil: the usual one.
  public mutating func anneal(epochs: Int? = nil, patience: Int? = nil) {
    guard schedule == .constant else { return }
    schedule = .cosine(warmUp: 100, final: 0.01)
    self.epochs = epochs ?? min(10, self.epochs)
    earlyStopping = .usual(for: self)
    extend(epochs: nil, patience: patience)
  }
}

/// How a rung of a ``Ladder`` came from the one below it.
public enum GrowthStep: String, Hashable, Sendable, Codable, CaseIterable {
  /// It is the first.
  case start
  /// Plain cells became gated ones.
  case gate
  /// It has twice the units.
  case widen
  /// It has a layer more.
  case deepen
  /// It has the same sizes and more dropout, and learns from new values: where more units learn by heart, noise can
  /// make them worth having.
  case regularize
  /// It has the same sizes, and learns from new values: what was learnt in a small network can be in the way of a large
  /// one (Ash & Adams 2020).
  case afresh
  /// It has the sizes of what is trained without growing, and learns from new values: what grew can miss what they are
  /// worth.
  case full
  /// It has half the units of what learnt from new values, and does too: of that, nobody knows yet how small it can be.
  case narrow
  /// It has the same sizes, and learns from new values for four times as many epochs: what is small, or learns among
  /// much noise, needs longer.
  case prolong

  /// Whether it never begins with what was learnt.
  public var isAfresh: Bool {
    switch self {
    case .gate, .widen, .deepen: false
    case .start, .regularize, .afresh, .full, .narrow, .prolong: true
    }
  }
}

extension TextNetworkShape: StackShape {
  /// The state's, and a token's vector.
  public var widths: [Int] {
    get { [hidden, embedding] }
    set { (hidden, embedding) = (newValue[0], newValue[1]) }
  }
}

extension ClassifierShape: StackShape {
  /// The state's in each direction, and a token's vector.
  public var widths: [Int] {
    get { [hidden, embedding] }
    set { (hidden, embedding) = (newValue[0], newValue[1]) }
  }
}

extension TaggerShape: StackShape {
  /// The state's in each direction over words, the same over characters, a character's vector, a word's vector.
  public var widths: [Int] {
    get { [hidden, characterHidden, characterVector, wordVector] }
    set {
      (hidden, characterHidden, characterVector, wordVector) = (newValue[0], newValue[1], newValue[2], newValue[3])
    }
  }
}

extension ForecasterShape: StackShape {
  /// The state's.
  public var widths: [Int] {
    get { [hidden] }
    set { hidden = newValue[0] }
  }
}

extension RecognizerShape: GrowingShape {
  /// The hidden layers'.
  public var widths: [Int] {
    get { hidden }
    set { hidden = newValue }
  }
  /// The hidden layers; a new one has as many units as the last.
  public var depth: Int {
    get { hidden.count }
    set {
      let last = hidden[hidden.count - 1]
      hidden = Array(hidden.prefix(newValue)) + [Int](repeating: last, count: max(0, newValue - hidden.count))
    }
  }
  /// None.
  public var growingCell: CellKind? {
    get { nil }
    set {}
  }
}

extension TranslatorShape: CellShape {
  /// The states', a token's vector, the attention's hidden layer.
  public var widths: [Int] {
    get { [hidden, embedding, attention] }
    set { (hidden, embedding, attention) = (newValue[0], newValue[1], newValue[2]) }
  }
  /// The decoder's cell reads [state, vector, what it looked at], scores are read from [vector, state, the same].
  public var blockOrders: [String: [[Int]]] {
    ["writer.": [[0, 1, 0, 0], [1, 0, 0]], "writer.combine.": [[1, 0, 0, 0]]]
  }
  /// The encoder's layers.
  public var depth: Int {
    get { layers }
    set { layers = newValue }
  }
}

extension DescriberShape: CellShape {
  /// The state's, a word's vector, what features become, the attention's hidden layer.
  public var widths: [Int] {
    get { [hidden, embedding, features, attention] }
    set { (hidden, embedding, features, attention) = (newValue[0], newValue[1], newValue[2], newValue[3]) }
  }
  /// Scores are read from [vector, state, what it looked at].
  public var blockOrders: [String: [[Int]]] { ["writer.combine.": [[1, 0, 2], [1, 0]]] }
  /// One layer writes.
  public var depth: Int {
    get { 1 }
    set {}
  }
}
