import Foundation

/// How far forecasts are from what came, over all windows, steps and columns.
public struct ForecasterScore: ModelScore, Hashable {
  /// Mean squared and mean absolute error.
  public struct Errors: Hashable, Sendable, Codable {
    /// The mean square.
    public var mse: Double
    /// The mean absolute value.
    public var mae: Double
  }

  /// What epochs are judged by.
  public static let judgedBy = "MSE"
  /// Windows.
  public let windows: Int
  /// Of the model, of numbers that are standardised by what was trained on.
  public let model: Errors
  /// Of the last value, for all steps.
  public let naive: Errors
  /// Of the values a season before; nil: there is no season.
  public let seasonalNaive: Errors?
  /// The model's mean absolute error of each column that is forecast, in its own unit.
  public let columnMAE: [String: Double]
  /// The model's errors at the first and at the last step of the forecasts.
  public let first, last: Errors

  /// The mean squared error.
  public var judged: Double { model.mse }
  /// The windows.
  public var judgedUnits: Int { windows }
  /// Both errors.
  public var measures: [(name: String, value: Double)] { [("mse", model.mse), ("mae", model.mae)] }
  /// For people.
  public var text: String {
    func both(_ errors: Errors) -> String { String(format: "%.4f and %.4f", errors.mse, errors.mae) }
    var text = "MSE and MAE \(both(model)); naive \(both(naive))"
    if let seasonalNaive { text += "; seasonal naive \(both(seasonalNaive))" }
    text += "; at the first step \(both(first)), at the last \(both(last)) (\(windows) windows, standardised)"
    let columns = columnMAE.sorted { $0.key < $1.key }.prefix(8).map { "\($0.key) \(String(format: "%.4g", $0.value))" }
    return text + "\nMAE in units: " + columns.joined(separator: ", ") + (columnMAE.count > 8 ? ", …" : "")
  }

  private enum CodingKeys: CodingKey { case windows, mse, mae, naive, seasonalNaive, columnMAE, first, last }

  /// The model's errors stand among the other fields.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(windows, forKey: .windows)
    try container.encode(model.mse, forKey: .mse)
    try container.encode(model.mae, forKey: .mae)
    try container.encode(naive, forKey: .naive)
    try container.encodeIfPresent(seasonalNaive, forKey: .seasonalNaive)
    try container.encode(columnMAE, forKey: .columnMAE)
    try container.encode(first, forKey: .first)
    try container.encode(last, forKey: .last)
  }
}

/// Sums up errors.
struct ErrorSum {
  private var squares = 0.0
  private var sizes = 0.0
  private var count = 0

  mutating func add(_ error: Float) {
    squares += Double(error) * Double(error)
    sizes += Double(abs(error))
    count += 1
  }

  var mean: ForecasterScore.Errors {
    ForecasterScore.Errors(mse: squares / Double(max(1, count)), mae: sizes / Double(max(1, count)))
  }
}
