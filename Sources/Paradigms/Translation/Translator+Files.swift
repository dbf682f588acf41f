import Corpora
import Foundation
import Interchange
import Training

extension Translator {
  /// What speed counts.
  public static let units = "tokens"

  /// The default configuration: Adam at 0.002, falling along a cosine over 20 epochs, batches of 64 pairs.
  public static func configuration(_ shape: TranslatorShape = TranslatorShape()) -> ModelConfiguration<TranslatorShape>
  {
    var shape = shape
    // Known when the tables are; three are in each.
    (shape.sourceTokens, shape.targetTokens) = (SentenceTokens.specials.count, SentenceTokens.specials.count)
    return ModelConfiguration(
      paradigm: paradigm, shape: shape, batch: 64,
      settings: TrainingSettings(
        epochs: 20, learningRate: 0.002, schedule: .cosine(warmUp: 200, final: 0.02), clipping: .norm(1)))
  }

  /// Both sentences.
  public static func content(of sample: ParallelTexts.Pair) -> (input: AnyHashable, label: String?)? {
    (sample, nil)
  }

  /// Reads a file of lines `source TAB target`, or two line-aligned files that are named with a comma between them.
  public static func samples(
    in path: String, as shape: TranslatorShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [ParallelTexts.Pair], checksum: String) {
    let parts = path.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !FileManager.default.fileExists(atPath: path) else {
      let texts = try ParallelTexts(contentsOf: path, &bad)
      return (texts.pairs, texts.checksum)
    }
    let texts = try ParallelTexts(source: parts[0], target: parts[1], &bad)
    return (texts.pairs, texts.checksum)
  }

  /// What it is, on a line.
  public var summary: String {
    let shape = configuration.shape
    return "\(shape.layers) × \(shape.cell.rawValue) of \(shape.hidden) in both directions, a decoder with attention, "
      + "\(network.parameterCount) parameters; \(sourceTable.count) and \(targetTable.count) tokens"
  }

  /// A sentence's translations.
  public struct Answer: SearchedPrediction, Hashable {
    /// The best translation.
    public var text: String { translations[0].text }
    /// All that were found, best first.
    public let translations: [Translation]
    /// Where the decoder looked while it wrote the best; nil unless ``Translator/showsAttention``.
    public let attention: AttentionTable?

    /// Their scores and texts.
    public var ranked: [(score: Double, text: String)] { translations.map { ($0.score, $0.text) } }

    /// The best so many of them, one at least.
    public func best(_ count: Int) -> Answer {
      Answer(translations: Array(translations.prefix(max(1, count))), attention: attention)
    }

    private enum Key: CodingKey { case text, score, translations, attention }

    /// The best one's text and score, and all of them, and where it looked if that is known.
    public func encode(to encoder: any Swift.Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(text, forKey: .text)
      try container.encode(translations[0].score, forKey: .score)
      try container.encode(translations, forKey: .translations)
      try container.encodeIfPresent(attention, forKey: .attention)
    }
  }

  /// The translations of lines; an empty one has an empty one.
  public func predict(lines: [String]) -> [any Prediction] { predict(lines) }
}
