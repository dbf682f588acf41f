import ArgumentParser
import Unroll

/// `unroll train translate`.
struct TrainTranslateCommand: ExampleCommand {
  typealias Model = Translator

  static let configuration = CommandConfiguration(
    commandName: "translate", abstract: "Train a model that translates sentences.",
    discussion: """
      --data is a file of lines `source TAB target`, or two files whose lines belong together, with a comma between \
      them; .gz too. Words and marks are cut into subwords of both languages together.

        unroll train translate --data pairs.tsv --out en-de
        unroll train translate --data train.en.gz,train.de.gz --validation val.en,val.de --out en-de
        unroll predict en-de "two men are outside" --beam 12
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Texts") var texts: TextOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct TextOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Merges that subwords are made by; 0: whole words.") var merges: Int?
    @Flag(help: "Keep upper case.") var keepCase = false
    @Option(parsing: .unconditional, help: "Tokens of a sentence that are read at most.") var longest: Int?
  }

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The cell of encoder and decoder; `unroll cells` shows them.") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Layers of the encoder.") var layers: Int?
    @Option(parsing: .unconditional, help: "Values of each hidden state.") var hidden: Int?
    @Option(parsing: .unconditional, help: "Values of a token's vector.") var embedding: Int?
    @Option(parsing: .unconditional, help: "Units of the attention's hidden layer.") var attention: Int?
    @Option(parsing: .unconditional, help: "Share of values of vectors dropped while training.") var dropout: Float?
    @Option(parsing: .unconditional, help: "The same of what attention and scores read.") var outputDropout: Float?
    @Option(parsing: .unconditional, help: "Share of a token's probability that is spread over all tokens.")
    var labelSmoothing: Float?
  }

  var given: [(String, Bool)] {
    [
      ("--merges", texts.merges != nil), ("--keep-case", texts.keepCase), ("--longest", texts.longest != nil),
      ("--cell", network.cell != nil), ("--layers", network.layers != nil), ("--hidden", network.hidden != nil),
      ("--embedding", network.embedding != nil), ("--attention", network.attention != nil),
      ("--dropout", network.dropout != nil), ("--output-dropout", network.outputDropout != nil),
      ("--label-smoothing", network.labelSmoothing != nil),
    ]
  }

  func configuration() -> ModelConfiguration<TranslatorShape> {
    var shape = TranslatorShape()
    func set<T>(_ path: WritableKeyPath<TranslatorShape, T>, _ value: T?) {
      if let value { shape[keyPath: path] = value }
    }
    set(\.merges, texts.merges)
    shape.lowercases = !texts.keepCase
    set(\.longest, texts.longest)
    set(\.cell, network.cell)
    set(\.layers, network.layers)
    set(\.hidden, network.hidden)
    set(\.embedding, network.embedding)
    set(\.attention, network.attention)
    set(\.dropout, network.dropout)
    set(\.outputDropout, network.outputDropout)
    set(\.labelSmoothing, network.labelSmoothing)
    return Translator.configuration(shape)
  }
}
