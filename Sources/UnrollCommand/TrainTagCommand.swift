import ArgumentParser
import Unroll

extension TagFormat: ExpressibleByArgument {}

/// `unroll train tag`.
struct TrainTagCommand: ExampleCommand {
  typealias Model = Tagger

  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Train a model that gives each word of a sentence a tag.",
    discussion: """
      --data has a word a line, and an empty line after each sentence: CoNLL-U, with tags of the column UPOS or XPOS, or
      columns with the word in the first and the tag in the last one, as CoNLL-2003 has them.

        unroll train tag --data en-train.conllu --validation en-dev.conllu --test en-test.conllu --out tagger
        unroll train tag --data names.txt --format columns --chain --out names
        echo "Time flies ." | unroll predict tagger
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Sentences") var sentences: SentenceOptions
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct SentenceOptions: ParsableArguments {
    @Option(help: "The files' form: CoNLL-U with tags of UPOS or XPOS, or columns. (default: upos)")
    var format: TagFormat?
    @Option(parsing: .unconditional, help: "Words that occur less often have no vector of their own.")
    var minimumCount: Int?

    var given: [(String, Bool)] { [("--format", format != nil), ("--minimum-count", minimumCount != nil)] }
  }

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The recurrent cell; `unroll cells` shows them.") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Recurrent layers over the words, of both directions.") var layers: Int?
    @Option(parsing: .unconditional, help: "Values of each of their hidden states, in each direction.") var hidden: Int?
    @Option(parsing: .unconditional, help: "Values of a word's vector.") var wordVector: Int?
    @Option(parsing: .unconditional, help: "Values of a character's vector.") var characterVector: Int?
    @Option(parsing: .unconditional, help: "Values of the hidden state over a word's characters, in each direction.")
    var characterHidden: Int?
    @Option(
      parsing: .unconditional, help: "Share of values dropped before, between and after the layers while training.")
    var dropout: Float?
    @Option(parsing: .unconditional, help: "Share of words that are read as unknown while training.")
    var wordDropout: Float?
    @Flag(help: "Score tags by the tag before them, too: a conditional random field; for tags of names.")
    var chain = false
    @OptionGroup var regularization: RegularizationOptions

    var given: [(String, Bool)] {
      [
        ("--cell", cell != nil), ("--layers", layers != nil), ("--hidden", hidden != nil),
        ("--word-vector", wordVector != nil), ("--character-vector", characterVector != nil),
        ("--character-hidden", characterHidden != nil), ("--dropout", dropout != nil),
        ("--word-dropout", wordDropout != nil), ("--chain", chain),
      ] + regularization.given
    }
  }

  var given: [(String, Bool)] { sentences.given + network.given }

  func configuration() -> ModelConfiguration<TaggerShape> {
    var shape = TaggerShape()
    func set<T>(_ path: WritableKeyPath<TaggerShape, T>, _ value: T?) {
      if let value { shape[keyPath: path] = value }
    }
    set(\.format, sentences.format)
    set(\.minimumCount, sentences.minimumCount)
    set(\.cell, network.cell)
    set(\.layers, network.layers)
    set(\.hidden, network.hidden)
    set(\.wordVector, network.wordVector)
    set(\.characterVector, network.characterVector)
    set(\.characterHidden, network.characterHidden)
    set(\.dropout, network.dropout)
    set(\.wordDropout, network.wordDropout)
    shape.hasChain = network.chain
    set(\.regularization, network.regularization.value)
    return Tagger.configuration(shape)
  }
}
