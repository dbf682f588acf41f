import Corpora
import Foundation
import Interchange
import Networks
import Tensors
import Training

/// What `config.json` says of a language model: enough to build it again, and how it was trained.
public struct TextConfiguration: Hashable, Sendable, Codable {
  /// The newest version of the model folder that this program reads.
  public static let newestVersion = 9

  /// Version of the folder's form: 9 with an embedding scale, else 8 with layers that are added to what they read, else
  /// 7 for graphemes or bytes, else 6 with a sampled softmax, else 5 for subwords, else 4 with noise or normalisation
  /// inside the layers or other regularisers, else 3 for words or a corpus of three files, else 2 when there is a
  /// ``precision``, else 1.
  public var version = 1
  /// The kind of model: `text`.
  public var paradigm = "text"
  /// The network's sizes.
  public var network = TextNetworkShape()
  /// Tokens of the vocabulary.
  public var tokens: Int
  /// What tokens are; nil: characters.
  public var unit: TokenUnit?
  /// Steps that the gradient goes back (k2); 64 by default.
  public var length = 64
  /// Steps between updates (k1); nil: `length`.
  public var step: Int?
  /// Rows of text that are read side by side; 32 by default.
  public var batch = 32
  /// Tokens that are drawn for each update to stand for all others in the loss (``SampledSoftmax``); nil: all count.
  public var sampledSoftmax: Int?
  /// Decides initial weights, masks and order.
  public var seed: UInt64 = 1
  /// For how many time steps the gates of the recurrent layers begin to keep a memory at the longest
  /// (`Module.initializeChrono`); 0: ``length``; nil: as the cell begins by itself.
  public var longestMemory: Int?
  /// The optimiser and its schedule; by default Adam at 0.005, falling along a cosine over 8 epochs, gradients clipped
  /// to a norm of 1.
  public var settings = TrainingSettings(
    epochs: 8, learningRate: 0.005, schedule: .cosine(warmUp: 100, final: 0.01), clipping: .norm(1))
  /// What the matrices were rounded to for inference; nil: they are 32-bit floats, as training made them.
  public var precision: Precision?
  /// The text: its path as it was given, characters, and a checksum of its tokens.
  public var data: Source

  /// Where a model's text came from.
  public struct Source: Hashable, Sendable, Codable {
    /// The path of the text, or of its part to train on, or a word for built-in text.
    public var path: String
    /// The paths of the held-out parts; nil: they are parts of the one text.
    public var validation, test: String?
    /// Number of characters.
    public var characters: Int
    /// Checksum of the tokens of the part to train on.
    public var checksum: String

    /// The same as files.
    public var files: TextFiles { TextFiles(path: path, validation: validation, test: test) }
  }

  /// The default configuration for a text.
  public init(for corpus: TextCorpus) {
    tokens = corpus.vocabulary.count
    unit = corpus.vocabulary.unit == .characters ? nil : corpus.vocabulary.unit
    data = Source(of: corpus)
    version = neededVersion
  }

  /// The version that a folder with these contents has.
  public var neededVersion: Int {
    if network.regularizers?.embeddingScale != nil { return 9 }
    if network.isResidual == true { return 8 }
    if unit == .graphemes || unit == .bytes { return 7 }
    if sampledSoftmax != nil { return 6 }
    if unit == .subwords { return 5 }
    if network.regularization != nil || network.regularizers != nil { return 4 }
    if unit != nil || data.validation != nil || data.test != nil { return 3 }
    return precision == nil ? 1 : 2
  }

  /// Throws when a number is outside its range, before anything of that size is built. `place` is for the message: a
  /// file, or nil for flags.
  public func validate(at place: String? = nil) throws(UnrollError) {
    let kind: UnrollError.Kind = place == nil ? .usage : .invalidData
    func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(UnrollError) {
      guard range.contains(value) else {
        throw UnrollError(
          kind, "\(name) is \(value), and must be in \(range.lowerBound)...\(range.upperBound)", at: place,
          hint: mend(name))
      }
    }
    func mend(_ name: String) -> String {
      place == nil ? "change --\(name)" : "the file is damaged, or was edited: mend the number"
    }
    try require("layers", network.layers, 1...64)
    try require("hidden", network.hidden, 1...16_384)
    try require("embedding", network.embedding, 1...16_384)
    try require("length", length, 1...10_000_000)
    try require("batch", batch, 1...1_000_000)
    if let step { try require("step", step, 1...length) }
    try require("tokens", tokens, 1...1_114_112)
    if let sampledSoftmax {
      try require("sampled-softmax", sampledSoftmax, 1...max(1, tokens / 2))
      guard tokens > 1, (network.regularizers?.labelSmoothing ?? 0) == 0 else {
        throw UnrollError(
          kind, "a sampled softmax does not go with smoothed labels, nor with a single token", at: place,
          hint: mend("sampled-softmax"))
      }
    }
    if let longestMemory, longestMemory != 0 { try require("chrono", longestMemory, 2...10_000_000) }
    guard version == neededVersion, precision != .float32, unit != .characters else {
      let models = [
        3: "of words, or of a text in three files,", 4: "with noise, normalisation or other regularisers",
        5: "of subwords", 6: "trained with a sampled softmax",
        7: "of graphemes or bytes", 8: "with layers that are added to what they read",
        9: "with an embedding scale",
      ]
      throw UnrollError(
        kind,
        models[neededVersion].map { "version \(version) does not fit: a model \($0) has version \(neededVersion)" }
          ?? "version \(version) and precision \(precision?.rawValue ?? "none") do not go together", at: place,
        hint: mend("precision"))
    }
    guard (data.validation == nil) == (data.test == nil) else {
      throw UnrollError(
        kind, "of the held-out texts only the one for \(data.test == nil ? "validation" : "the test") is named",
        at: place, hint: place == nil ? "give both: --validation FILE --test FILE; or neither" : mend("data"))
    }
    guard network.dropout >= 0, network.dropout < 1 else {
      throw UnrollError(
        kind, "dropout is \(network.dropout), and must be at least 0 and below 1", at: place, hint: mend("dropout"))
    }
    if let fault = network.regularization?.fault(parts: network.cell.stateParts) {
      throw UnrollError(kind, fault.message, at: place, hint: mend(fault.rate))
    }
    if let fault = network.regularizers?.fault(network) {
      throw UnrollError(kind, fault.message, at: place, hint: mend(fault.flag))
    }
    do {
      try settings.validate()
    } catch {
      throw UnrollError(kind, error.message, at: place, hint: place == nil ? error.hint : mend(""))
    }
  }

  /// Throws when a training of this size cannot fit into the machine's memory. `place` is as for ``validate(at:)``.
  ///
  /// What is counted is the least that a training takes: weights, their averages, gradients and the optimiser's memory,
  /// and for every step of a window each layer's gates, its output and the scores. The numbers must be valid.
  package func checkMemory(at place: String? = nil) throws(UnrollError) {
    let perParameter = 2 + settings.rule.slots.count + (settings.averaging == nil ? 0 : 1)
    let perStep = network.layers * network.hidden * (network.cell.gates + 1) + tokens
    let bytes = 4 * (Double(parameterCount * perParameter) + Double(length * batch) * Double(perStep))
    let available = Double(ProcessInfo.processInfo.physicalMemory)
    guard bytes > available else { return }
    func gibibytes(_ bytes: Double) -> String { String(format: "%.1f GiB", bytes / Double(1 << 30)) }
    throw UnrollError(
      place == nil ? .usage : .invalidData,
      "training takes at least \(gibibytes(bytes)) of memory, and this machine has \(gibibytes(available))", at: place,
      hint: "make --hidden, --layers, --length or --batch smaller")
  }

  /// Number of learnt values of such a network.
  public var parameterCount: Int {
    let perLayer = (0..<network.layers).map { layer in
      network.cell.parameterCount(
        inputSize: layer == 0 ? network.embedding : network.hidden, hiddenSize: network.hidden,
        normalizesLayers: network.regularization?.normalizesLayers ?? false)
    }
    let readout = network.regularizers?.tiesEmbeddings == true ? tokens : (network.hidden + 1) * tokens
    return perLayer.reduce(tokens * network.embedding + readout, +)
  }
}

extension TextConfiguration.Source {
  /// Tokens of a part of the checksum.
  private static let part = 1 << 24

  /// What a corpus is remembered by.
  public init(of corpus: TextCorpus) {
    path = corpus.files.path
    validation = corpus.files.validation
    test = corpus.files.test
    characters = corpus.characters
    // In parts: as whole numbers, the tokens of a large text take four times its bytes.
    let sums = stride(from: 0, to: corpus.training.count, by: Self.part).map { first in
      let end = min(corpus.training.count, first + Self.part)
      return Array(corpus.training.part(first..<end)).withUnsafeBytes { Checksum($0).description }
    }
    checksum = sums.count == 1 ? sums[0] : Array(sums.joined().utf8).withUnsafeBytes { Checksum($0).description }
  }
}
