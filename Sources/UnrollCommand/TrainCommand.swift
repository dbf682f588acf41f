import ArgumentParser
import Foundation
import Unroll

/// `unroll train`.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model on data of your own.",
    discussion: """
        unroll train text --data poems.txt --out poems
      """, subcommands: [TrainTextCommand.self])
}

extension CellKind: ExpressibleByArgument {}
extension TokenUnit: ExpressibleByArgument {}

/// `unroll train text`.
struct TrainTextCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "text", abstract: "Train a language model on a text, of characters or words.",
    discussion: """
      The first 90 % of the text is trained on, the next 5 % judges each epoch, the last 5 % measures the best model;
      with --validation and --test, these two texts do, and all of --data is trained on.
      Ctrl-C saves after the running update; --resume goes on, and gives the same model as if nothing had happened.

        unroll train text --data poems.txt --out poems
        unroll train text --data poems.txt --out poems --resume
        unroll train text --data news.txt --tokens words --vocabulary 10000 --out news
      """)

  @OptionGroup(title: "Text") var text: TextOptions
  @Option(help: "The model folder to make.") var out: String
  @Flag(help: "Go on with the training in --out from its newest checkpoint, with its own settings.") var resume = false

  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct TextOptions: ParsableArguments {
    @Option(help: "The text: a file in UTF-8.") var data: String?
    @Option(help: "A text that judges each epoch.") var validation: String?
    @Option(help: "A text that measures the best model.") var test: String?
    @Option(help: "What the model reads and writes; words stand between white space. (default: characters)")
    var tokens: TokenUnit?
    @Option(
      parsing: .unconditional,
      help: "Keep the most frequent so many words, <unk> for all others and <eos> among them; by default all.")
    var vocabulary: Int?
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

  struct TrainingOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Time steps that gradients go back through (k2).") var length: Int?
    @Option(parsing: .unconditional, help: "Time steps between updates (k1); by default --length.") var step: Int?
    @Option(parsing: .unconditional, help: "Rows of text read side by side.") var batch: Int?
    @Option(parsing: .unconditional, help: "Times to go through the text.") var epochs: Int?
    @Option(parsing: .unconditional, help: "The full learning rate.") var learningRate: Float?
    @Option(help: "How the learning rate changes.") var schedule: ScheduleName?
    @Option(help: "How gradients move the weights.") var optimizer: OptimizerName?
    @Option(parsing: .unconditional, help: "Largest global norm of a gradient; 0: no limit.") var clip: Float?
    @Option(parsing: .unconditional, help: "How strongly matrices are pulled to zero.") var weightDecay: Float?
    @Option(
      help: ArgumentHelp(
        "Weight decay of some parameters, for example `embedding=0` or `*.bias=0.1`; may be given again.",
        valueName: "path=decay"))
    var weightDecayOf: [DecayOfGroup] = []
    @Option(parsing: .unconditional, help: "Stop after so many epochs without a better validation loss.") var patience:
      Int?
    @Option(parsing: .unconditional, help: "Updates between checkpoints; each epoch ends with one anyway.")
    var checkpointEvery: Int?
    @Option(parsing: .unconditional, help: "Decides initial weights, order and dropout.") var seed: UInt64?
  }

  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, cosine }
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }

  func run() throws {
    common.apply()
    let training = try resume ? resumed() : new()
    try TextRun(training: training, folder: out, json: common.json).run()
  }

  private func new() throws -> TextTraining {
    guard let data = text.data, !data.isEmpty else {
      throw UnrollError(.usage, "there is no text to train on", hint: "name a file: --data FILE")
    }
    guard (text.validation == nil) == (text.test == nil) else {
      throw UnrollError(
        .usage, "there is \(text.test == nil ? "--validation without --test" : "--test without --validation")",
        hint: "give both, or neither: then parts of --data are held out")
    }
    let files = TextFiles(path: data, validation: text.validation, test: text.test)
    let corpus = try TextCorpus(contentsOf: files, as: tokenization())
    return try TextTraining(configured(for: corpus), corpus: corpus, folder: out)
  }

  private func tokenization() throws -> Tokenization {
    guard text.tokens == .words else {
      guard text.vocabulary == nil else {
        throw UnrollError(
          .usage, "--vocabulary is for words; of characters all are kept", hint: "add --tokens words, or leave it out")
      }
      return .characters
    }
    if let most = text.vocabulary, !(3...WordVocabulary.most).contains(most) {
      throw UnrollError(
        .usage, "--vocabulary is \(most), and must be in 3...\(WordVocabulary.most)",
        hint: "<unk> and <eos> are two of them")
    }
    return .words(most: text.vocabulary)
  }

  private func resumed() throws -> TextTraining {
    let fixed: [(String, Bool)] = [
      ("--tokens", text.tokens != nil), ("--vocabulary", text.vocabulary != nil),
      ("--cell", network.cell != nil), ("--layers", network.layers != nil), ("--hidden", network.hidden != nil),
      ("--embedding", network.embedding != nil), ("--dropout", network.dropout != nil),
    ]
    let others: [(String, Bool)] = [
      ("--length", training.length != nil), ("--step", training.step != nil), ("--batch", training.batch != nil),
      ("--learning-rate", training.learningRate != nil), ("--schedule", training.schedule != nil),
      ("--optimizer", training.optimizer != nil), ("--clip", training.clip != nil),
      ("--weight-decay", training.weightDecay != nil), ("--weight-decay-of", !training.weightDecayOf.isEmpty),
      ("--patience", training.patience != nil), ("--checkpoint-every", training.checkpointEvery != nil),
      ("--seed", training.seed != nil),
    ]
    if let flag = (fixed + network.regularization.given + network.regularizers.given + others).first(where: \.1)?.0 {
      throw UnrollError(
        .usage, "\(flag) cannot change in the middle of a training",
        hint: "leave it out, or start anew without --resume")
    }
    return try TextTraining(resuming: out, data: (text.data, text.validation, text.test), epochs: training.epochs)
  }

  /// The defaults, with the flags that were given.
  private func configured(for corpus: TextCorpus) -> TextConfiguration {
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
    set(\.length, training.length)
    set(\.step, training.step)
    set(\.batch, training.batch)
    set(\.seed, training.seed)
    set(\.settings.epochs, training.epochs)
    set(\.settings.learningRate, training.learningRate)
    set(\.settings.clipping, training.clip.map { $0 == 0 ? .none : .norm($0) })
    set(\.settings.earlyStopping, training.patience.map { EarlyStopping(patience: $0) })
    set(\.settings.checkpointInterval, training.checkpointEvery)
    set(
      \.settings.schedule,
      training.schedule.map { name in
        switch name {
        case .constant: .constant
        case .cosine: .cosine(warmUp: 100, final: 0.01)
        }
      })
    set(
      \.settings.rule,
      training.optimizer.map { name in
        switch name {
        case .sgd: .sgd(momentum: 0.9)
        case .adam: .adam()
        case .adamw: .adamW()
        }
      })
    if let decay = training.weightDecay { configuration.settings.rule.weightDecay = WeightDecay(decay) }
    if !training.weightDecayOf.isEmpty { configuration.settings.groups = training.weightDecayOf.map(\.group) }
    return configuration
  }
}

/// A group of parameters with a weight decay of its own: `embedding=0`.
struct DecayOfGroup: ExpressibleByArgument {
  let group: ParameterGroup

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let decay = Float(parts[1]) else { return nil }
    group = ParameterGroup(String(parts[0]), weightDecay: decay)
  }
}
