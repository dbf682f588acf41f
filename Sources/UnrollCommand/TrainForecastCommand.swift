import ArgumentParser
import Unroll

/// `unroll train forecast`.
struct TrainForecastCommand: ExampleCommand {
  typealias Model = Forecaster

  static let configuration = CommandConfiguration(
    commandName: "forecast", abstract: "Train a model that says how numbers over time go on.",
    discussion: """
      --data is a table with a header (.csv, .gz too): a row for each time step, in order, with its time in one \
      column. It is cut in the order of time: 70 % are trained on, 10 % judge each epoch, 20 % measure the best model.

        unroll train forecast --data load.csv --season 24 --out load
        unroll train forecast --data ETTh1.csv --split 8640,2880,2880 --target OT --out temperature
        unroll train forecast --data passengers.csv --window 24 --horizon 12 --season 12 --out passengers
        unroll predict load --data load.csv
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Table") var series: SeriesOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct SeriesOptions: ParsableArguments {
    @Option(help: "The time's column: a number from 1, or its name. (default: 1)") var timeColumn: String?
    @Option(help: "The columns that are read, by name: A,B. (default: all others)") var columns: String?
    @Option(help: "The columns that are forecast: A,B. (default: all that are read)") var target: String?
    @Flag(help: "Give an empty cell the value of the row before; by default it is an error.") var fill = false
    @Option(parsing: .unconditional, help: "Time steps that are read. (default: 96)") var window: Int?
    @Option(parsing: .unconditional, help: "Time steps that are forecast. (default: 24)") var horizon: Int?
    @Option(
      parsing: .unconditional,
      help: "Time steps of a season: forecasts start from the last season's mean, and are held against its values.")
    var season: Int?
    @Option(
      help: "Where the table is cut: three shares, or three numbers of rows, 8640,2880,2880. (default: 0.7,0.1,0.2)")
    var split: String?

    var given: [(String, Bool)] {
      [
        ("--time-column", timeColumn != nil), ("--columns", columns != nil), ("--target", target != nil),
        ("--fill", fill), ("--window", window != nil), ("--horizon", horizon != nil), ("--season", season != nil),
        ("--split", split != nil),
      ]
    }
  }

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The recurrent cell; `unroll cells` shows them.") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Recurrent layers.") var layers: Int?
    @Option(parsing: .unconditional, help: "Values of each layer's hidden state.") var hidden: Int?
    @Option(
      parsing: .unconditional, help: "Share of values dropped between and after the layers while training.")
    var dropout: Float?
    @Flag(help: "Leave out the linear path from a column's window to its forecast.") var noLinearPath = false
    @OptionGroup var regularization: RegularizationOptions

    var given: [(String, Bool)] {
      [
        ("--cell", cell != nil), ("--layers", layers != nil), ("--hidden", hidden != nil),
        ("--dropout", dropout != nil), ("--no-linear-path", noLinearPath),
      ] + regularization.given
    }
  }

  var given: [(String, Bool)] { series.given + network.given }

  func configuration() throws -> ModelConfiguration<ForecasterShape> {
    var shape = ForecasterShape()
    func set<T>(_ path: WritableKeyPath<ForecasterShape, T>, _ value: T?) {
      if let value { shape[keyPath: path] = value }
    }
    func names(_ list: String?) -> [String] { list?.split(separator: ",").map(String.init) ?? [] }
    shape.columns = SeriesColumns(time: series.timeColumn, names: names(series.columns), fills: series.fill)
    shape.targets = names(series.target)
    set(\.window, series.window)
    set(\.horizon, series.horizon)
    set(\.season, series.season)
    if let split = series.split {
      shape.split = split.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    }
    set(\.cell, network.cell)
    set(\.layers, network.layers)
    set(\.hidden, network.hidden)
    set(\.dropout, network.dropout)
    shape.isLinear = !network.noLinearPath
    set(\.regularization, network.regularization.value)
    return Forecaster.configuration(shape)
  }
}
