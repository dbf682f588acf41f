import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Describes pictures: one to many, from a vector of features, from features of places that it looks at, or from
/// pixels.
///
///     var shape = DescriberShape()
///     shape.captions = "Flickr8k.token.txt"
///     let (describer, score) = try Describer.train(
///       Describer.configuration(shape), on: TextFiles(path: "train.npy,train.txt"), savingTo: "captions")
///
/// Its folder holds, beside what every model of examples has, `features.json` and `words.json`.
public struct Describer: FileModel, ReadingModel, SearchingModel {
  /// A picture's features as they stand in the file, its captions as tokens and as words.
  public struct Example: Sendable {
    let name: String
    let values: ArraySlice<Float>
    let captions: [[Int32]]
    let references: [[String]]
  }

  /// The features' form, and how they are spread.
  struct Features: Codable, Hashable {
    var version = 1
    /// Places of a picture; 0: its features are one vector.
    var places: Int
    /// Height and width of pixels, whose channels are the values; nil: they are features.
    var pixels: [Int]?
    var means, deviations: [Float]

    var picture: DescriberNetwork.Picture {
      DescriberNetwork.Picture(values: means.count, places: places, pixels: pixels)
    }

    /// Extents of a picture.
    var extents: [Int] { (pixels ?? (places > 0 ? [places] : [])) + [means.count] }
  }

  /// `describe`.
  public static let paradigm = "describe"
  /// `words`.
  public static let units = "words"

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<DescriberShape>
  /// The network.
  public let network: DescriberNetwork
  /// The words of captions.
  public let words: TokenTable
  let features: Features
  /// How captions are looked for, but while training is judged.
  public var search = BeamSearch(width: 5)

  /// The default configuration of a training.
  public static func configuration(_ shape: DescriberShape = DescriberShape()) -> ModelConfiguration<DescriberShape> {
    let settings = TrainingSettings(
      epochs: 15, learningRate: 0.001, schedule: .cosine(warmUp: 200, final: 0.02), clipping: .norm(1))
    return ModelConfiguration(paradigm: paradigm, shape: shape, batch: 16, settings: settings)
  }

  private init(_ configuration: ModelConfiguration<DescriberShape>, _ words: TokenTable, _ features: Features) {
    self.configuration = configuration
    self.words = words
    self.features = features
    var random = RandomSource(seed: configuration.seed)
    network = DescriberNetwork(configuration.shape, features.picture, words: words.count, using: &random)
  }

  /// A new model of the words and the features of some pictures. Throws when a network of these sizes cannot fit into
  /// the machine's memory.
  public init(
    _ configuration: ModelConfiguration<DescriberShape>, learningFrom pictures: [CaptionedPicture]
  ) throws(UnrollError) {
    guard let first = pictures.first else {
      throw UnrollError(.invalidData, "there are no pictures to train on", at: configuration.data?.path)
    }
    let words = TokenTable(
      counting: pictures.lazy.flatMap { $0.captions.flatMap(CaptionedPictures.words) },
      specials: SentenceTokens.specials, atLeast: configuration.shape.minimumCount)
    let features = Features(extents: Array(first.features.extents.dropFirst()), spreadOf: pictures)
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount(features.picture, words: words.count), at: nil)
    self.init(configuration, words, features)
  }

  // MARK: Folders

  /// A model whose network has no trained values yet, with the tables in its folder.
  public init(_ configuration: ModelConfiguration<DescriberShape>, tablesIn folder: String) throws(UnrollError) {
    let path = folder + "/features.json"
    let features = try StrictJSON.read(Features.self, from: path)
    guard features.version == 1 else {
      throw UnrollError(.unsupportedVersion, "the features have version \(features.version)", at: path)
    }
    let words = try TokenTable(contentsOf: folder + "/words.json", kind: "words")
    guard features.places >= 0, features.hasGoodPixels, !features.means.isEmpty,
      features.means.count == features.deviations.count,
      features.deviations.allSatisfy({ $0 > 0 }), words.entries.starts(with: SentenceTokens.specials)
    else {
      throw UnrollError(
        .invalidData, "features and words are no model's", at: path, hint: "put back the files that training wrote")
    }
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount(features.picture, words: words.count),
      at: folder + "/config.json")
    self.init(configuration, words, features)
  }

  /// Writes `features.json` and `words.json`.
  public func writeTables(to folder: String) throws(UnrollError) {
    try StrictJSON.write(features, to: folder + "/features.json")
    try words.write(to: folder + "/words.json", kind: "words")
  }

  /// The same tables with another configuration of the same data, and the values that a training begins with.
  public func renewed(as configuration: ModelConfiguration<DescriberShape>) -> Describer {
    Describer(configuration, words, features)
  }

  /// Sizes on a line.
  public var summary: String {
    let (shape, values) = (configuration.shape, features.means.count)
    let places = features.places > 0 ? "\(features.places) places of \(values) values" : "\(values) values"
    let picture = features.pixels.map { "\($0[0]) x \($0[1]) pixels by \(shape.channels.count) convolutions" } ?? places
    return "\(shape.cell.rawValue) of \(shape.hidden) from \(picture), \(network.parameterCount) parameters; "
      + "\(words.count) words"
  }

  // MARK: Examples

  /// Reads pictures with captions: see ``CaptionedPictures``.
  public static func samples(
    in path: String, as shape: DescriberShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [CaptionedPicture], checksum: String) {
    let (pictures, checksum) = try CaptionedPictures.read(path, captions: shape.captions, &bad)
    return (pictures, checksum)
  }

  /// A picture as the model reads it. Throws when its features have another form.
  public func example(of sample: CaptionedPicture) throws(UnrollError) -> Example {
    let extents = Array(sample.features.extents.dropFirst())
    let own = features.extents
    guard extents == own else {
      throw UnrollError(
        .invalidData, "the picture's features have extents \(extents), and the model reads \(own)",
        at: sample.place.isEmpty ? nil : sample.place, hint: "give features of the form that it was trained on")
    }
    let references = sample.captions.map(CaptionedPictures.words)
    return Example(
      name: sample.name, values: sample.values,
      captions: references.map { caption in
        caption.prefix(configuration.shape.longest).map { words[$0, default: SentenceTokens.unknown] }
      }, references: references)
  }

  /// Words of the longest caption.
  public func length(of example: Example) -> Int { example.captions.map(\.count).max() ?? 0 }

  /// Pictures as the network reads them: a sequence of places each, or of one.
  private func batch(_ examples: some Collection<Example>) -> SequenceBatch {
    let (places, size) = (max(1, features.places), features.means.count)
    var values = [Float](repeating: 0, count: places * examples.count * size)
    for (i, example) in examples.enumerated() {
      for (place, start) in stride(from: example.values.startIndex, to: example.values.endIndex, by: size).enumerated()
      {
        let to = (place * examples.count + i) * size
        for k in 0..<size {
          values[to + k] = (example.values[start + k] - features.means[k]) / features.deviations[k]
        }
      }
    }
    return SequenceBatch(
      values: Tensor(shape: [places, examples.count, size], values: values),
      lengths: [Int](repeating: places, count: examples.count))
  }

  /// The summed loss of all captions of some pictures, a word each and each end one.
  public func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    let owners = examples.enumerated().flatMap { i, example in example.captions.map { _ in i } }
    return network.summedLoss(
      of: examples.flatMap(\.captions), owners: owners, batch(examples), in: &evaluation)
  }

  // MARK: Describing

  /// A caption.
  public struct Caption: Hashable, Sendable, Codable {
    /// Its words, with a space between them.
    public let text: String
    /// Log-probability with the penalty of its length, in nats.
    public let score: Double
  }

  private func captions(of examples: [Example], by search: BeamSearch) -> [[Caption]] {
    let batch = max(1, 128 / search.width)
    return stride(from: 0, to: examples.count, by: batch).flatMap { first -> [[Caption]] in
      let own = examples[first..<min(examples.count, first + batch)]
      return network.describe(self.batch(own), longest: configuration.shape.longest, by: search).map { hypotheses in
        hypotheses.map { hypothesis in
          Caption(
            text: hypothesis.tokens.map { words.entries[Int($0)] }.joined(separator: " "), score: hypothesis.score)
        }
      }
    }
  }

  /// A picture's captions.
  public struct Answer: SearchedPrediction, Hashable {
    /// The picture's name, or its number.
    public let name: String
    /// Captions, best first.
    public let captions: [Caption]
    /// The best one.
    public var text: String { captions[0].text }
    /// Their scores and texts.
    public var ranked: [(score: Double, text: String)] { captions.map { ($0.score, $0.text) } }
    /// Not told.
    public var attention: AttentionTable? { nil }

    /// The best so many of them, one at least.
    public func best(_ count: Int) -> Answer { Answer(name: name, captions: Array(captions.prefix(max(1, count)))) }

    private enum Key: CodingKey { case name, text, captions }

    /// The best caption stands beside all.
    public func encode(to encoder: any Swift.Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try container.encode(text, forKey: .text)
      try container.encode(captions, forKey: .captions)
    }
  }

  /// Captions of pictures, best first, found as ``search`` says unless told otherwise. Throws when features have
  /// another form than those that it was trained on.
  public func predict(_ pictures: [CaptionedPicture], by search: BeamSearch? = nil) throws(UnrollError) -> [Answer] {
    var examples: [Example] = []
    for picture in pictures { examples.append(try example(of: picture)) }
    return zip(examples, captions(of: examples, by: search ?? self.search)).map { Answer(name: $0.name, captions: $1) }
  }

  /// A caption for each picture: of features alone, `FEATURES.npy`, or with their list.
  public func predict(contentsOf path: String, _ bad: inout BadLines) throws(UnrollError) -> [any Prediction] {
    let pictures =
      path.contains(",")
      ? try CaptionedPictures.read(path, captions: nil, needsCaptions: false, &bad).pictures
      : try CaptionedPictures.read(features: path)
    do throws(UnrollError) {
      return try predict(pictures)
    } catch {
      throw UnrollError(error.kind, error.message, at: error.place ?? path, hint: error.hint)
    }
  }

  // MARK: Measuring

  /// How well captions agree with those that people wrote.
  public struct Score: ModelScore {
    /// What epochs are judged by.
    public static let judgedBy = "100 - BLEU+1"
    /// Pictures.
    public let pictures: Int
    /// BLEU of 1, 1 to 2, 1 to 3 and 1 to 4 words, 0…100, against all captions of a picture.
    public let bleu: [Double]
    /// Share of captions that are one of the picture's.
    public let exact: Double
    /// Mean negative log-probability of a word of people's captions and their ends, in nats.
    public let nats: Double
    /// 100 - ``BLEU/smoothedScore(order:)``.
    public let judged: Double
    /// The pictures.
    public var judgedUnits: Int { pictures }
    /// BLEU-4, exact matches and loss.
    public var measures: [(name: String, value: Double)] {
      [("bleu.4", bleu.last ?? 0), ("exact", exact), ("nats", nats)]
    }
    /// For people.
    public var text: String {
      "BLEU-1…4 " + bleu.map { String(format: "%.2f", $0) }.joined(separator: " ")
        + String(format: ", exact match %.2f %%, %.3f nats per word (%d pictures)", 100 * exact, nats, pictures)
    }
  }

  /// Measures the captions that ``search`` finds.
  public func score(of examples: [Example]) -> Score { score(of: examples, by: search) }

  /// Measures greedy captions, which are found in a fraction of the time.
  public func judge(_ examples: [Example]) -> Score { score(of: examples, by: BeamSearch()) }

  private func score(of examples: [Example], by search: BeamSearch) -> Score {
    let found = captions(of: examples, by: search).map { $0[0].text.split(separator: " ").map(String.init) }
    let bleu = BLEU(found, references: examples.map(\.references))
    var (loss, units) = (0.0, 0)
    for first in stride(from: 0, to: examples.count, by: 64) {
      var evaluation = Evaluation.inference
      let own = self.loss(of: Array(examples[first..<min(examples.count, first + 64)]), in: &evaluation)
      loss += Double(own.sum.values[0])
      units += own.units
    }
    return Score(
      pictures: examples.count, bleu: (1...4).map(bleu.score(order:)),
      exact: Double(zip(found, examples).count { $1.references.contains($0) }) / Double(max(1, examples.count)),
      nats: loss / Double(max(1, units)), judged: 100 - bleu.smoothedScore())
  }
}

extension Describer.Features {
  /// Whether a file's pixels can be, and are the places.
  fileprivate var hasGoodPixels: Bool {
    guard let pixels else { return true }
    guard pixels.count == 2, pixels.allSatisfy({ (1...1 << 24).contains($0) }) else { return false }
    return pixels[0] * pixels[1] == places
  }

  /// Mean and deviation of each value over all places of some pictures of these extents.
  fileprivate init(extents: [Int], spreadOf pictures: [CaptionedPicture]) {
    let size = extents[extents.count - 1]
    let places = extents.count == 1 ? 0 : extents.dropLast().reduce(1, *)
    var spread = Spread(columns: size)
    for picture in pictures { spread.add(picture.values) }
    self.init(
      places: places, pixels: extents.count == 3 ? Array(extents.prefix(2)) : nil, means: spread.means,
      deviations: spread.deviations)
  }
}
