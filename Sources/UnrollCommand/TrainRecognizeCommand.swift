import ArgumentParser
import Unroll

extension Activation: ExpressibleByArgument {}

/// `unroll train recognize`.
struct TrainRecognizeCommand: ExampleCommand {
  typealias Model = Recognizer

  static let configuration = CommandConfiguration(
    commandName: "recognize",
    abstract: "Train feedforward layers that tell which class numbers or a picture belong to.",
    discussion: """
      --data is a table of numbers with a label (.csv), or pictures in IDX form, whose labels are in the file of that
      name with `labels` for `images` and `idx1` for `idx3`.

        unroll train recognize --data train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz --out digits
        unroll train recognize --data iris.csv --label-column species --hidden 16 --out iris
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The label's column: a number from 1, or its name in the header. (default: the last)")
    var labelColumn: String?
    @Flag(help: "The first line is a header; it is one anyway where the column has a name.") var header = false
    @Option(
      parsing: .unconditionalSingleValue,
      help: "Values of a hidden layer; may be given again, for the next layer. (default: 512 twice)")
    var hidden: [Int] = []
    @Option(help: "The hidden layers' function. (default: relu)") var activation: Activation?
    @Option(parsing: .unconditional, help: "Share of hidden values dropped while training.") var dropout: Float?
    @Option(parsing: .unconditional, help: "Share of the numbers that are read dropped while training.")
    var inputDropout: Float?
  }

  var given: [(String, Bool)] {
    [
      ("--label-column", network.labelColumn != nil), ("--header", network.header),
      ("--hidden", !network.hidden.isEmpty), ("--activation", network.activation != nil),
      ("--dropout", network.dropout != nil), ("--input-dropout", network.inputDropout != nil),
    ]
  }

  func configuration() -> ModelConfiguration<RecognizerShape> {
    var shape = RecognizerShape()
    shape.labelColumn = network.labelColumn
    shape.hasHeader = network.header
    if !network.hidden.isEmpty { shape.hidden = network.hidden }
    if let activation = network.activation { shape.activation = activation }
    if let dropout = network.dropout { shape.dropout = dropout }
    if let inputDropout = network.inputDropout { shape.inputDropout = inputDropout }
    return Recognizer.configuration(shape)
  }
}
