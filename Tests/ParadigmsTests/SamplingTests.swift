import Corpora
import Foundation
import Paradigms
import Tensors
import Testing

/// Which tokens may be drawn, how often, and where a text ends.
@Suite struct SamplingTests {
  /// Shares of tokens in many draws.
  private func shares(_ sampler: Sampler, _ logits: [Float], used: Set<Int32> = [], draws: Int = 20_000) -> [Double] {
    var sampler = sampler
    var counts = [Int](repeating: 0, count: logits.count)
    for _ in 0..<draws { counts[Int(sampler.choose(logits, penalising: used))] += 1 }
    return counts.map { Double($0) / Double(draws) }
  }

  private static let probabilities: [Float] = [0.1, 0.4, 0.05, 0.3, 0.15]
  private static let logits = probabilities.map { log($0) }

  static let sets: [(p: Float, kept: [Int])] = [
    (0.01, [1]), (0.39, [1]), (0.41, [1, 3]), (0.69, [1, 3]), (0.71, [1, 3, 4]), (0.94, [0, 1, 3, 4]),
    (0.96, [0, 1, 2, 3, 4]), (1, [0, 1, 2, 3, 4]),
  ]

  /// The fewest best that reach p, at their own proportions.
  @Test(arguments: sets)
  func topPKeepsTheSmallestSet(_ row: (p: Float, kept: [Int])) {
    let (p, kept) = row
    let shares = shares(Sampler(topP: p, seed: 3), Self.logits)
    let total = kept.reduce(0) { $0 + Double(Self.probabilities[$1]) }
    for token in shares.indices {
      let expected = kept.contains(token) ? Double(Self.probabilities[token]) / total : 0
      #expect(abs(shares[token] - expected) < (expected == 0 ? 1e-12 : 0.02), "token \(token) at \(p)")
    }
  }

  /// The share is one of the best k, after the temperature.
  @Test func topPFollowsTemperatureAndTopK() {
    // Of 0.4 and 0.3 alone, 0.4 is 57 %.
    #expect(shares(Sampler(topK: 2, topP: 0.5, seed: 1), Self.logits)[1] == 1)
    #expect(shares(Sampler(topK: 2, topP: 0.6, seed: 1), Self.logits)[3] > 0.3)
    // Squared and normalised, 0.4 is 58 %; its root is 30 %.
    #expect(shares(Sampler(temperature: 0.5, topP: 0.5, seed: 1), Self.logits)[1] == 1)
    #expect(shares(Sampler(temperature: 2, topP: 0.5, seed: 1), Self.logits)[1] < 0.7)
    #expect(shares(Sampler(temperature: 0, topP: 0.9, seed: 1), Self.logits, draws: 9)[1] == 1)
  }

  @Test func usedTokensBecomeLessLikely() {
    let logits: [Float] = [2, 1, -1]
    // 2 / 4 and -1 · 4.
    let scores = [0.5, 1, -4].map { exp($0) }
    let shares = shares(Sampler(repetitionPenalty: 4, seed: 2), logits, used: [0, 2])
    for token in 0..<3 { #expect(abs(shares[token] - scores[token] / scores.reduce(0, +)) < 0.02) }
    var greedy = Sampler(temperature: 0, repetitionPenalty: 4)
    #expect(greedy.choose(logits) == 0 && greedy.choose(logits, penalising: [0]) == 1)
    var plain = Sampler(temperature: 0)
    #expect(plain.choose(logits, penalising: [0]) == 0)
  }

  static let stops: [(pieces: [String], stops: [String], text: String, found: String?)] = [
    (["ab", "c", "d"], ["cd"], "ab", "cd"), (["aab"], ["ab"], "a", "ab"), (["a", "a", "b"], ["ab"], "a", "ab"),
    (["abab", "ac"], ["abac"], "ab", "abac"), (["x", "y"], ["xyz"], "xy", nil), (["abc"], [], "abc", nil),
    (["abc"], ["c", "bc"], "a", "bc"), (["abc"], ["abcd", "b"], "a", "b"), (["e\u{301}"], ["é"], "e\u{301}", nil),
    (["one\n", "\ntwo"], ["\n\n"], "one", "\n\n"), ([], ["a"], "", nil),
  ]

  @Test(arguments: stops)
  func textsEndBeforeTheFirstStop(_ row: (pieces: [String], stops: [String], text: String, found: String?)) {
    let (pieces, stops, text, found) = row
    var scan = StopStrings(stops)
    var written = pieces.reduce("") { $0 + scan.text(behind: $1) }
    written += scan.rest()
    #expect(Array(written.unicodeScalars) == Array(text.unicodeScalars) && scan.found == found)
    #expect(scan.found == nil || scan.text(behind: "more") == "")
  }

  /// What is certain is not kept back.
  @Test func onlyBeginningsOfStopsWait() {
    var scan = StopStrings(["\nEND"])
    #expect(["a\n", "E", "x", "\nEN"].map { scan.text(behind: $0) } == ["a", "", "\nEx", ""])
    #expect(scan.rest() == "\nEN")
  }

  @Test(arguments: [["t on"], ["zzz"], [" ", "sat"]]) func generatedTextEndsBeforeAStop(stops: [String]) throws {
    let corpus = try TextCorpus(LanguageModelTests.text, as: .subwords(merges: 6))
    let configuration = LanguageModelTests.configuration(corpus)
    var random = RandomSource(seed: 6)
    let model = LanguageModel(
      configuration: configuration, vocabulary: corpus.vocabulary,
      network: TextNetwork(configuration.network, tokens: configuration.tokens, using: &random))
    func write(_ stops: [String]) throws -> (text: String, stop: String?) {
      var text = ""
      let stop = try model.generate(
        after: "the cat ", length: 60, sampler: Sampler(temperature: 1, topP: 0.9, repetitionPenalty: 1.1, seed: 4),
        stoppingBefore: stops
      ) {
        #expect(!$0.isEmpty)
        text += $0
        return true
      }
      return (text, stop)
    }
    let whole = try write([]).text
    let (text, stop) = try write(stops)
    let first = stops.compactMap { whole.range(of: $0)?.upperBound }.min()
    #expect(whole.hasPrefix(text) && (stop == nil) == (first == nil))
    if let stop, let first { #expect(text + stop == String(whole[..<first])) }
    if first == nil { #expect(text == whole) }
  }
}
