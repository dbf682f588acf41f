import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Forecasts numbers over time: many to many, several steps ahead at once, from a window of the past.
///
///     var shape = ForecasterShape()
///     shape.season = 24
///     shape.split = [8640, 2880, 2880]
///     let (forecaster, score) = try Forecaster.train(
///       Forecaster.configuration(shape), on: TextFiles(path: "ETTh1.csv"), savingTo: "load")
///
/// A table is cut in the order of time: what is trained on, then what epochs are judged by, then what is measured with;
/// windows of the later parts look back into the part before. Numbers are standardised by what is trained on. The model
/// folder holds, beside what every model of examples has, `series.json`.
public struct Forecaster: FileModel, ReadingModel {
  /// A window of a series: what stands before a row is read, what stands from it on is forecast.
  public struct Window: Sendable {
    /// The series.
    public let series: NumberSeries
    /// The row that the forecast begins with.
    public let origin: Int
  }

  /// Names of the columns, and how each is standardised.
  struct Table: Codable, Hashable {
    var version = 1
    var columns, targets: [String]
    var means, deviations: [Float]
    /// Periods of the calendar that are longer than a step, whose phases are read.
    var periods: [CalendarTime.Period]
  }

  /// `forecast`.
  public static let paradigm = "forecast"
  /// `windows`.
  public static let units = "windows"

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<ForecasterShape>
  /// The network.
  public let network: ForecasterNetwork
  let table: Table
  /// Numbers of the targets among the columns.
  let targets: [Int]

  /// The default configuration of a training.
  public static func configuration(_ shape: ForecasterShape = ForecasterShape()) -> ModelConfiguration<ForecasterShape>
  {
    let settings = TrainingSettings(
      epochs: 10, learningRate: 0.001, schedule: .cosine(warmUp: 100, final: 0.02), clipping: .norm(1))
    return ModelConfiguration(paradigm: paradigm, shape: shape, batch: 64, settings: settings)
  }

  private init(_ configuration: ModelConfiguration<ForecasterShape>, _ table: Table) {
    self.configuration = configuration
    self.table = table
    targets = table.targets.compactMap { table.columns.firstIndex(of: $0) }
    var random = RandomSource(seed: configuration.seed)
    network = ForecasterNetwork(
      configuration.shape, columns: table.columns.count, targets: targets.count, phases: 2 * table.periods.count,
      using: &random)
  }

  /// A new model of the columns of some windows, which standardises numbers by all rows up to the last window's end.
  public init(
    _ configuration: ModelConfiguration<ForecasterShape>, learningFrom windows: [Window]
  ) throws(UnrollError) {
    let shape = configuration.shape
    guard let last = windows.max(by: { $0.origin < $1.origin }) else {
      throw UnrollError(.invalidData, "there are no windows to train on", at: configuration.data?.path)
    }
    let series = last.series
    for target in shape.targets where !series.columns.contains(target) {
      throw UnrollError(
        .usage, "the target `\(target.prefix(40))` is no column that is read", at: configuration.data?.path,
        hint: "these are read: \(series.columns.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", "))")
    }
    let (means, deviations) = series.spread(of: 0..<min(series.count, last.origin + shape.horizon))
    let table = Table(
      columns: series.columns, targets: shape.targets.isEmpty ? series.columns : shape.targets, means: means,
      deviations: deviations, periods: series.periods)
    try Self.demandMemory(shape, table, at: nil)
    self.init(configuration, table)
  }

  private static func demandMemory(_ shape: ForecasterShape, _ table: Table, at place: String?) throws(UnrollError) {
    try shape.requireMemory(
      forValues: shape.parameterCount(
        columns: table.columns.count, targets: table.targets.count, phases: 2 * table.periods.count), at: place)
  }

  // MARK: Folders

  /// A model whose network has no trained values yet, with the tables in its folder.
  public init(_ configuration: ModelConfiguration<ForecasterShape>, tablesIn folder: String) throws(UnrollError) {
    let path = folder + "/series.json"
    let table = try StrictJSON.read(Table.self, from: path)
    guard table.version == 1 else {
      throw UnrollError(.unsupportedVersion, "the columns have version \(table.version)", at: path)
    }
    guard !table.targets.isEmpty, Set(table.columns).count == table.columns.count,
      Set(table.targets).count == table.targets.count, table.targets.allSatisfy(table.columns.contains),
      table.means.count == table.columns.count, table.deviations.count == table.columns.count,
      table.deviations.allSatisfy({ $0 > 0 }), Set(table.periods).count == table.periods.count
    else {
      throw UnrollError(
        .invalidData, "the columns are no model's", at: path, hint: "put back the file that training wrote")
    }
    try Self.demandMemory(configuration.shape, table, at: folder + "/config.json")
    self.init(configuration, table)
  }

  /// Writes `series.json`.
  public func writeTables(to folder: String) throws(UnrollError) {
    try StrictJSON.write(table, to: folder + "/series.json")
  }

  /// The same columns with another configuration of the same data, and the values that a training begins with.
  public func renewed(as configuration: ModelConfiguration<ForecasterShape>) -> Forecaster {
    Forecaster(configuration, table)
  }

  /// Sizes on a line.
  public var summary: String {
    let shape = configuration.shape
    return
      "\(shape.layers) × \(shape.cell.rawValue) of \(shape.hidden)\(shape.isLinear ? " beside a linear path" : ""), "
      + "\(network.parameterCount) parameters; \(table.columns.count) columns, \(table.targets.count) of them "
      + "forecast: \(shape.horizon) steps from \(shape.window)"
  }

  // MARK: Windows

  /// All windows of a table, in order.
  public static func samples(
    in path: String, as shape: ForecasterShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [Window], checksum: String) {
    let series = try NumberSeries(contentsOf: path, shape.columns, &bad)
    guard series.count >= shape.window + shape.horizon else {
      throw UnrollError(
        .invalidData,
        "the table has \(series.count) rows, and a window of \(shape.window) with \(shape.horizon) steps to forecast "
          + "is \(shape.window + shape.horizon)", at: path, hint: "make --window or --horizon smaller")
    }
    return (
      (shape.window...series.count - shape.horizon).map { Window(series: series, origin: $0) }, series.checksum
    )
  }

  /// Cuts in the order of time, where ``ForecasterShape/split`` says: a window belongs to the part that holds all that
  /// it forecasts. What is judged by or measured with another file is trained on.
  public static func split(
    _ windows: [Window], _ shape: ForecasterShape, validation: Bool, test: Bool
  ) -> (training: [Window], validation: [Window], test: [Window]) {
    let ends = shape.ends(of: windows.first?.series.count ?? 0)
    func part(_ range: Range<Int>) -> [Window] {
      windows.filter { $0.origin >= range.lowerBound && $0.origin + shape.horizon <= range.upperBound }
    }
    let beforeTest = test ? ends[1] : ends[2]
    return (
      part(0..<(validation ? ends[0] : beforeTest)), validation ? part(ends[0]..<beforeTest) : [],
      test ? part(ends[1]..<ends[2]) : []
    )
  }

  /// Parts are stretches of time; a window is left out of the rest where it forecasts a row that a window of the part
  /// forecasts too.
  public static func fold(
    _ number: Int, of count: Int, _ windows: [Window], _ shape: ForecasterShape
  ) -> (rest: [Window], heldOut: [Window]) {
    let range = windows.count * number / count..<windows.count * (number + 1) / count
    var origins: [String: ClosedRange<Int>] = [:]
    for window in windows[range] {
      let known = origins[window.series.checksum] ?? window.origin...window.origin
      origins[window.series.checksum] = min(known.lowerBound, window.origin)...max(known.upperBound, window.origin)
    }
    let rest = (windows[..<range.lowerBound] + windows[range.upperBound...]).filter { window in
      guard let held = origins[window.series.checksum] else { return true }
      return window.origin + shape.horizon <= held.lowerBound || window.origin >= held.upperBound + shape.horizon
    }
    return (rest, Array(windows[range]))
  }

  /// The window, if its columns are the model's.
  public func example(of sample: Window) throws(UnrollError) -> Window {
    guard sample.series.columns == table.columns else {
      throw UnrollError(
        .invalidData, "the columns are \(sample.series.columns.prefix(20).joined(separator: ", "))",
        hint: "the model reads \(table.columns.prefix(20).joined(separator: ", "))")
    }
    guard table.periods.isEmpty || sample.series.moments != nil else {
      throw UnrollError(
        .invalidData, "the model reads times of the calendar, and the rows are called `\(sample.series.times[0])`",
        hint: "name the time's column as in training, and write times as there: 2016-07-01 13:00:00")
    }
    return sample
  }

  /// Steps that are read.
  public func length(of example: Window) -> Int { configuration.shape.window }

  /// The summed mean squared error of some windows, and their number.
  public func loss(of examples: [Window], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    let batch = WindowBatch(examples, table, targets, configuration.shape)
    let error = network(batch.inputs, pasts: batch.pasts, in: &evaluation) - batch.futures
    return (square(error).sum() / Float(batch.futures.shape[1]), examples.count)
  }

  // MARK: Use

  /// What follows each window, standardised, target by target, `horizon` steps each.
  private func forecasts(after windows: [Window]) -> [[Float]] {
    var all: [[Float]] = []
    for first in stride(from: 0, to: windows.count, by: 256) {
      let batch = WindowBatch(
        Array(windows[first..<min(windows.count, first + 256)]), table, targets, configuration.shape)
      var evaluation = Evaluation.inference
      let values = network(batch.inputs, pasts: batch.pasts, in: &evaluation).values
      let (horizon, size) = (configuration.shape.horizon, targets.count * configuration.shape.horizon)
      for (i, levels) in batch.levels.enumerated() {
        all.append((0..<size).map { values[i * size + $0] + levels[targets[$0 / horizon]] })
      }
    }
    return all
  }

  /// Measures the model on windows.
  public func score(of examples: [Window]) -> ForecasterScore {
    let (shape, count) = (configuration.shape, targets.count)
    var (model, naive, seasonal) = (ErrorSum(), ErrorSum(), ErrorSum())
    var (first, last) = (ErrorSum(), ErrorSum())
    var columns = [ErrorSum](repeating: ErrorSum(), count: count)
    for (window, forecast) in zip(examples, forecasts(after: examples)) {
      for place in 0..<count {
        let column = targets[place]
        func value(_ row: Int) -> Float {
          let value = window.series.values[row * table.columns.count + column]
          return (value - table.means[column]) / table.deviations[column]
        }
        let now = value(window.origin - 1)
        for step in 0..<shape.horizon {
          let truth = value(window.origin + step)
          let error = forecast[place * shape.horizon + step] - truth
          model.add(error)
          columns[place].add(error)
          if step == 0 { first.add(error) }
          if step == shape.horizon - 1 { last.add(error) }
          naive.add(now - truth)
          if shape.season > 0 { seasonal.add(value(window.origin - shape.season + step % shape.season) - truth) }
        }
      }
    }
    let inUnits = zip(table.targets, zip(columns, targets)).map { name, own in
      (name, own.0.mean.mae * Double(table.deviations[own.1]))
    }
    return ForecasterScore(
      windows: examples.count, model: model.mean, naive: naive.mean,
      seasonalNaive: shape.season > 0 ? seasonal.mean : nil,
      columnMAE: Dictionary(uniqueKeysWithValues: inUnits), first: first.mean, last: last.mean)
  }

  /// A step that is forecast.
  public struct Step: Prediction, Hashable {
    /// What the row would be called.
    public let time: String
    /// A value for each target, by name, in the unit of its column.
    public let values: [String: Float]
    private let targets: [String]

    init(time: String, targets: [String], values: [Float]) {
      (self.time, self.targets) = (time, targets)
      self.values = Dictionary(uniqueKeysWithValues: zip(targets, values))
    }

    private enum CodingKeys: CodingKey { case time, values }

    /// `2018-06-26 20:00:00,0.5,12.25`: the time and the targets in their order.
    public var text: String { ([time] + targets.map { "\(values[$0] ?? 0)" }).joined(separator: ",") }
  }

  /// What follows the end of a series. Throws when it has other columns, or fewer rows than a window.
  public func predict(after series: NumberSeries) throws(UnrollError) -> [Step] {
    let shape = configuration.shape
    let window = try example(of: Window(series: series, origin: series.count))
    guard series.count >= shape.window else {
      throw UnrollError(
        .invalidData, "there are \(series.count) rows, and the model reads a window of \(shape.window)",
        hint: "give more of the past")
    }
    let values = forecasts(after: [window])[0]
    return zip(0..<shape.horizon, series.times(after: shape.horizon)).map { step, time in
      Step(
        time: time, targets: table.targets,
        values: targets.enumerated().map { place, column in
          values[place * shape.horizon + step] * table.deviations[column] + table.means[column]
        })
    }
  }

  /// What follows the end of a table: a prediction for each step.
  public func predict(contentsOf path: String, _ bad: inout BadLines) throws(UnrollError) -> [any Prediction] {
    // The columns by name: a table may have more, or another order.
    var columns = configuration.shape.columns
    columns.names = table.columns
    let series = try NumberSeries(contentsOf: path, columns, &bad)
    do throws(UnrollError) {
      return try predict(after: series)
    } catch {
      throw UnrollError(error.kind, error.message, at: path, hint: error.hint)
    }
  }
}
