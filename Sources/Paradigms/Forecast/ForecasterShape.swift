import Corpora
import Interchange
import Networks

/// The sizes of a ``Forecaster``'s network, and how it reads tables.
public struct ForecasterShape: RecurrentShape {
  /// The columns that are read.
  public var columns = SeriesColumns()
  /// The columns that are forecast; empty: all that are read.
  public var targets: [String] = []
  /// Time steps that are read.
  public var window = 96
  /// Time steps that are forecast.
  public var horizon = 24
  /// Time steps of a season, for what forecasts are compared with, and what a window's level is the mean of; 0: none.
  public var season = 0
  /// Where a table is cut into what is trained on, judged by and measured with: shares of 1, or numbers of rows.
  public var split: [Double] = [0.7, 0.1, 0.2]
  /// The recurrent cell.
  public var cell = CellKind.gruResetAfter
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Recurrent layers.
  public var layers = 1
  /// Whether the output of each layer above the first is added to what it reads (``Residual``), as in networks that
  /// grew; nil: no.
  public var isResidual: Bool?
  /// Values of each layer's hidden state.
  public var hidden = 128
  /// Rate of the dropout before, between and after the layers.
  public var dropout: Float = 0.3
  /// Whether there is a linear path from each column's window to its forecast, beside the recurrent one.
  public var isLinear = true
  /// Noise and normalisation inside the layers.
  public var regularization: Regularization?

  /// The default sizes.
  public init() {}

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("window", window, 1...100_000, at: place)
    try require("horizon", horizon, 1...100_000, at: place)
    try require("season", season, 0...window, at: place)
    try require("layers", layers, 1...64, at: place)
    try require("hidden", hidden, 1...16_384, at: place)
    try requireRate("dropout", dropout, at: place)
    try require(regularization, for: cell, at: place)
    let isShare = split.allSatisfy { $0 <= 1 }
    guard split.count == 3, split[0] > 0, split.allSatisfy({ $0 >= 0 && $0 <= 1e12 }),
      isShare ? split.reduce(0, +) < 1 + 1e-9 : split.allSatisfy({ $0 == $0.rounded() })
    else {
      throw UnrollError(
        place == nil ? .usage : .invalidData, "split is \(split.map { "\($0)" }.joined(separator: ","))", at: place,
        hint: "give three shares, 0.7,0.1,0.2, or three numbers of rows, 8640,2880,2880")
    }
  }

  /// The ends of the three parts in a table of so many rows.
  func ends(of count: Int) -> [Int] {
    var (ends, sum): ([Int], Double) = ([], 0)
    let factor = split.allSatisfy { $0 <= 1 } ? Double(count) : 1
    for part in split {
      sum += part * factor
      ends.append(min(count, Int(sum.rounded())))
    }
    return ends
  }

  /// Number of learnt values of such a network.
  func parameterCount(columns: Int, targets: Int, phases: Int) -> Int {
    let recurrent = (0..<layers).map { layer in
      cell.parameterCount(
        inputSize: layer == 0 ? columns * 2 + phases : hidden, hiddenSize: hidden,
        normalizesLayers: regularization?.normalizesLayers ?? false)
    }
    let head = (hidden + 1) * targets * horizon
    return recurrent.reduce(head + (isLinear ? (window + 1) * horizon : 0), +)
  }
}
