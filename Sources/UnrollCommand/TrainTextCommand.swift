import ArgumentParser
import Unroll

extension CellKind: ExpressibleByArgument {}
extension TokenUnit: ExpressibleByArgument {}

/// `unroll train text`.
struct TrainTextCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "text", abstract: "Train a language model on a text, of characters, words or subwords.",
    discussion: """
      The first 90 % of the text is trained on, the next 5 % judges each epoch, the last 5 % measures the best model;
      with --validation and --test, these two texts do, and all of --data is trained on.
      Ctrl-C saves after the running update; --resume goes on, and gives the same model as if nothing had happened.

        unroll train text --data poems.txt --out poems
        unroll train text --data poems.txt --out poems --resume
        unroll train text --data news.txt --tokens words --vocabulary 10000 --out news
        unroll train text --data novel.txt --tokens subwords --merges 2000 --out novel
      """)

  @OptionGroup(title: "Text") var text: TextOptions
  @Option(help: "The model folder to make.") var out: String
  @Flag(help: "Go on with the training in --out from its newest checkpoint, with its own settings.") var resume = false

  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var window: WindowOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct TextOptions: ParsableArguments {
    @Option(help: "The text: a file in UTF-8.") var data: String?
    @Option(help: "A text that judges each epoch.") var validation: String?
    @Option(help: "A text that measures the best model.") var test: String?
    @Option(
      help: """
        What the model reads and writes; characters are Unicode scalars, graphemes what a reader takes for one, \
        bytes those of UTF-8; words stand between white space, subwords are frequent pieces of them. \
        (default: characters)
        """)
    var tokens: TokenUnit?
    @Option(
      parsing: .unconditional,
      help: "Keep the most frequent so many words, <unk> for all others and <eos> among them; by default all.")
    var vocabulary: Int?
    @Option(parsing: .unconditional, help: "Subwords to learn, beside the characters. (default: 4000)")
    var merges: Int?
  }

  struct NetworkOptions: ParsableArguments {
    @Option(help: "The recurrent cell; `unroll cells` shows them.") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Recurrent layers.") var layers: Int?
    @Option(parsing: .unconditional, help: "Values of each layer's hidden state.") var hidden: Int?
    @Option(parsing: .unconditional, help: "Values of a character's or word's vector.") var embedding: Int?
    @Option(
      parsing: .unconditional, help: "Share of values dropped before, between and after the layers while training.")
    var dropout: Float?
    @OptionGroup var regularization: RegularizationOptions
    @OptionGroup var regularizers: TextRegularizerOptions
  }

  struct WindowOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Time steps that gradients go back through (k2).") var length: Int?
    @Option(parsing: .unconditional, help: "Time steps between updates (k1); by default --length.") var step: Int?
    @Option(
      parsing: .unconditional,
      help: """
        Of the tokens, score so many drawn ones and the right ones in each update: of tens of thousands of words, \
        4000 train more than twice as fast. Judging and generating know all.
        """)
    var sampledSoftmax: Int?
  }

  func run() throws {
    common.apply()
    if let repetition = try training.repetition(in: out, resuming: resume, json: common.json) {
      return try repetition.run { seed, folder in
        try run(seed: seed, in: folder, training.tensorboard?.inside(folder))
      }
    }
    _ = try run(seed: training.seed, in: out, training.tensorboard)
  }

  private func run(seed: UInt64?, in folder: String, _ tensorboard: TensorBoardFolder?) throws -> [Measure]? {
    let training = try resume ? resumed() : new(seed, folder)
    return try TextRun(
      training: training, folder: folder, json: common.json, watches: self.training.watch.watch,
      tensorboard: tensorboard
    ).run()
  }

  private func new(_ seed: UInt64?, _ folder: String) throws -> TextTraining {
    let corpus = try corpus()
    return try TextTraining(configured(for: corpus, seed: seed), on: corpus, savingTo: folder)
  }

  /// The text. Throws when none is named, or it cannot be read as the flags say.
  func corpus() throws -> TextCorpus {
    guard let data = text.data, !data.isEmpty else {
      throw UnrollError(.usage, "there is no text to train on", hint: "name a file: --data FILE")
    }
    guard (text.validation == nil) == (text.test == nil) else {
      throw UnrollError(
        .usage, "there is \(text.test == nil ? "--validation without --test" : "--test without --validation")",
        hint: "give both, or neither: then parts of --data are held out")
    }
    let files = TextFiles(path: data, validation: text.validation, test: text.test)
    return try TextCorpus(contentsOf: files, as: tokenization())
  }

  private func tokenization() throws -> Tokenization {
    let unit = text.tokens ?? .characters
    try require(
      "--vocabulary", text.vocabulary, 3...WordVocabulary.most, of: .words, unit, "<unk> and <eos> are two of it")
    try require("--merges", text.merges, 1...SubwordVocabulary.mostMerges, of: .subwords, unit, "4000 is usual")
    return switch unit {
    case .characters: .characters
    case .graphemes: .graphemes
    case .bytes: .bytes
    case .words: .words(most: text.vocabulary)
    case .subwords: .subwords(merges: text.merges ?? 4000)
    }
  }

  /// Throws when a flag is given that is for other tokens, or outside its range.
  private func require(
    _ flag: String, _ value: Int?, _ range: ClosedRange<Int>, of unit: TokenUnit, _ given: TokenUnit, _ hint: String
  ) throws(UnrollError) {
    guard let value else { return }
    guard unit == given else {
      throw UnrollError(.usage, "\(flag) is for \(unit)", hint: "add --tokens \(unit), or leave it out")
    }
    guard range.contains(value) else {
      throw UnrollError(
        .usage, "\(flag) is \(value), and must be in \(range.lowerBound)...\(range.upperBound)", hint: hint)
    }
  }

  /// The flags of its own, which cannot change in the middle of a training, and whether each was given.
  var given: [(String, Bool)] {
    let fixed: [(String, Bool)] = [
      ("--tokens", text.tokens != nil), ("--vocabulary", text.vocabulary != nil),
      ("--merges", text.merges != nil),
      ("--cell", network.cell != nil), ("--layers", network.layers != nil), ("--hidden", network.hidden != nil),
      ("--embedding", network.embedding != nil), ("--dropout", network.dropout != nil),
    ]
    let windows = [
      ("--length", window.length != nil), ("--step", window.step != nil),
      ("--sampled-softmax", window.sampledSoftmax != nil),
    ]
    return fixed + network.regularization.given + network.regularizers.given + windows
  }

  private func resumed() throws -> TextTraining {
    try TrainingOptions.refuse(given + training.given)
    return try TextTraining(
      resuming: out, data: (text.data, text.validation, text.test), epochs: training.epochs, patience: training.patience
    )
  }

  /// The defaults, with the flags that were given.
  func configured(for corpus: TextCorpus, seed: UInt64?) throws -> TextConfiguration {
    var configuration = TextConfiguration(for: corpus)
    func set<T>(_ path: WritableKeyPath<TextConfiguration, T>, _ value: T?) {
      if let value { configuration[keyPath: path] = value }
    }
    set(\.network.cell, network.cell)
    set(\.network.layers, network.layers)
    set(\.network.hidden, network.hidden)
    set(\.network.embedding, network.embedding)
    set(\.network.dropout, network.dropout)
    set(\.network.regularization, network.regularization.value)
    set(\.network.regularizers, network.regularizers.value)
    if network.regularizers.tieEmbeddings, network.embedding == nil {
      configuration.network.embedding = configuration.network.hidden
    }
    set(\.length, window.length)
    set(\.step, window.step)
    configuration.sampledSoftmax = window.sampledSoftmax
    set(\.batch, training.batch)
    set(\.seed, seed)
    configuration.longestMemory = training.chrono?.steps
    configuration.network.recurrentInitializer = training.recurrentInitializer?.initializer
    try training.apply(to: &configuration.settings)
    return configuration
  }
}
