import ArgumentParser
import Unroll

extension ClassifierShape.Pooling: ExpressibleByArgument {}

/// `unroll train classify`.
struct TrainClassifyCommand: ExampleCommand {
  typealias Model = Classifier

  static let configuration = CommandConfiguration(
    commandName: "classify", abstract: "Train a model that tells which class a text belongs to.",
    discussion: """
      --data is a table (.tsv, .csv), objects (.jsonl), a folder of folders with a text in each .txt file, or a folder
      of NAME.txt with a text a line; the name of a folder or file is then the class.

        unroll train classify --data reviews.tsv --out reviews
        unroll train classify --data names --tokens characters --out names
        unroll train classify --data posts.csv --text-column body --label-column topic --lower-case --out posts
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Texts") var texts: TextOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct TextOptions: ParsableArguments {
    @Option(help: "The texts' column: a number from 1, its name in the header, or a key of JSON. (default: 1, text)")
    var textColumn: String?
    @Option(help: "The labels' column. (default: 2, label)") var labelColumn: String?
    @Flag(help: "The first line is a header; it is one anyway where a column has a name.") var header = false
    @Option(help: "What the model reads; words stand between white space. (default: words)") var tokens: TokenUnit?
    @Flag(help: "Read texts in lower case.") var lowerCase = false
    @Option(parsing: .unconditional, help: "Take tokens that occur less often for unknown.") var minimumCount: Int?

    var given: [(String, Bool)] {
      [
        ("--text-column", textColumn != nil), ("--label-column", labelColumn != nil), ("--header", header),
        ("--tokens", tokens != nil), ("--lower-case", lowerCase), ("--minimum-count", minimumCount != nil),
      ]
    }
  }

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The recurrent cell; `unroll cells` shows them.") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Recurrent layers.") var layers: Int?
    @Option(parsing: .unconditional, help: "Values of each layer's hidden state, in each direction.") var hidden: Int?
    @Flag(help: "Read texts from the beginning to the end only.") var oneDirection = false
    @Option(parsing: .unconditional, help: "Values of a word's or character's vector.") var embedding: Int?
    @Option(help: "How the outputs over a text become one vector.") var pooling: ClassifierShape.Pooling?
    @Option(
      parsing: .unconditional, help: "Share of values dropped before, between and after the layers while training.")
    var dropout: Float?
    @Option(parsing: .unconditional, help: "Share of tokens that are read as unknown while training.")
    var wordDropout: Float?
    @Option(parsing: .unconditional, help: "Share of tokens whose vectors are dropped from a batch.")
    var embeddingDropout: Float?
    @Option(parsing: .unconditional, help: "Share of the label's probability that is spread over all labels.")
    var labelSmoothing: Float?
    @OptionGroup var regularization: RegularizationOptions

    var given: [(String, Bool)] {
      [
        ("--cell", cell != nil), ("--layers", layers != nil), ("--hidden", hidden != nil),
        ("--one-direction", oneDirection), ("--embedding", embedding != nil), ("--pooling", pooling != nil),
        ("--dropout", dropout != nil), ("--word-dropout", wordDropout != nil),
        ("--embedding-dropout", embeddingDropout != nil), ("--label-smoothing", labelSmoothing != nil),
      ] + regularization.given
    }
  }

  var given: [(String, Bool)] { texts.given + network.given }

  func configuration() -> ModelConfiguration<ClassifierShape> {
    var shape = ClassifierShape(texts.tokens ?? .words)
    func set<T>(_ path: WritableKeyPath<ClassifierShape, T>, _ value: T?) {
      if let value { shape[keyPath: path] = value }
    }
    shape.columns = TextColumns(text: texts.textColumn, label: texts.labelColumn, hasHeader: texts.header)
    shape.lowercases = texts.lowerCase
    set(\.minimumCount, texts.minimumCount)
    set(\.cell, network.cell)
    set(\.layers, network.layers)
    set(\.hidden, network.hidden)
    shape.isBidirectional = !network.oneDirection
    set(\.embedding, network.embedding)
    set(\.pooling, network.pooling)
    set(\.dropout, network.dropout)
    set(\.wordDropout, network.wordDropout)
    set(\.embeddingDropout, network.embeddingDropout)
    set(\.labelSmoothing, network.labelSmoothing)
    set(\.regularization, network.regularization.value)
    return Classifier.configuration(shape)
  }
}
