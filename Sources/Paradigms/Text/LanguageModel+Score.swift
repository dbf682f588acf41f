import Corpora
import Foundation

extension LanguageModel {
  /// How well a model knows a text.
  public struct Score: ModelScore, Hashable {
    /// What epochs are judged by.
    public static let judgedBy = "nats"
    /// They are the training loss.
    public static let judgesByLoss = true
    /// What the tokens are.
    public let unit: TokenUnit
    /// Tokens asked for: all but the first.
    public let tokens: Int
    /// Mean loss per token in nats.
    public let nats: Double
    /// Characters that these tokens stand for; nil for words, which do not tell how they were set apart.
    public let characters: Int?
    /// The loss per character in bits; nil for words.
    public var bitsPerCharacter: Double? {
      characters.map { nats / log(2) * (Double(tokens) / Double(max(1, $0))) }
    }
    /// e^nats: the model is as unsure as if it chose evenly among so many tokens.
    public var perplexity: Double { exp(nats) }
    /// The loss.
    public var judged: Double { nats }
    /// The tokens.
    public var judgedUnits: Int { tokens }

    /// Nats, bits per character, but for words, and perplexity.
    public var measures: [(name: String, value: Double)] {
      [("nats", nats)] + (bitsPerCharacter.map { [("bitsPerCharacter", $0)] } ?? []) + [("perplexity", perplexity)]
    }

    /// For people.
    public var text: String {
      switch unit {
      case .characters:
        String(
          format: "%.4f nats per character, %.4f bits per character, perplexity %.3f (%d characters)", nats,
          bitsPerCharacter ?? 0, perplexity, characters ?? 0)
      case .words:
        String(format: "%.4f nats per word, perplexity %.2f (%d words)", nats, perplexity, tokens)
      case .graphemes, .bytes, .subwords:
        String(
          format: "%.4f nats per %@, perplexity %.2f, %.4f bits per character (%d %@, %d characters)", nats,
          unit.singular, perplexity, bitsPerCharacter ?? 0, tokens, unit.rawValue, characters ?? 0)
      }
    }

    private enum Key: String, CodingKey {
      case characters, graphemes, bytes, words, subwords, nats, perplexity, bitsPerCharacter
    }

    /// Tokens are called what they are: `words`.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encodeIfPresent(characters, forKey: .characters)
      if unit != .characters, let key = Key(rawValue: unit.rawValue) { try container.encode(tokens, forKey: key) }
      try container.encode(nats, forKey: .nats)
      try container.encode(perplexity, forKey: .perplexity)
      try container.encodeIfPresent(bitsPerCharacter, forKey: .bitsPerCharacter)
    }
  }
}
