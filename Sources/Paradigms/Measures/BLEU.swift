import Foundation

/// The BLEU of some translations against references (Papineni et al. 2002): the geometric mean of how many n-grams of 1
/// to 4 tokens are right, over the whole corpus, times a penalty for translations that are too short.
///
///     BLEU(translations, references: [references]).score   // 0…100
///
/// No smoothing, as in multi-bleu; tokens are compared as they are given. With several references an n-gram counts as
/// often as in the one that has it most, and the reference whose length is nearest is the one that a translation is too
/// short for.
public struct BLEU: Hashable, Sendable, Codable {
  /// Shares of right n-grams, n from 1 to 4.
  public let precisions: [Double]
  /// n-grams of the translations, n from 1 to 4.
  private let counts: [Int]
  /// The factor for being too short, at most 1.
  public let brevityPenalty: Double
  /// Tokens of the translations, and of the references that they were held against.
  public let length, referenceLength: Int

  /// The score of orders 1 to `order`, 0…100.
  public func score(order: Int = 4) -> Double {
    let used = precisions.prefix(order)
    guard used.allSatisfy({ $0 > 0 }) else { return 0 }
    return 100 * brevityPenalty * exp(used.reduce(0) { $0 + log($1) } / Double(order))
  }

  /// The score with one more right n-gram of each order above 1, and one more in all (BLEU+1, Lin & Och 2004), of the
  /// orders that there are: above 0 for short sentences and poor translations too, and the nearer to ``score(order:)``
  /// the more sentences there are. For choosing the best of several.
  public func smoothedScore(order: Int = 4) -> Double {
    let logs = (0..<order).filter { counts[$0] > 0 }.map { i in
      let more = i == 0 ? 0.0 : 1
      return log((precisions[i] * Double(counts[i]) + more) / (Double(counts[i]) + more))
    }
    return logs.isEmpty ? 0 : 100 * brevityPenalty * exp(logs.reduce(0, +) / Double(logs.count))
  }

  /// Measures tokenised translations; `references` holds one list or more for each of them.
  public init(_ translations: [[String]], references: [[[String]]]) {
    var right = [Int](repeating: 0, count: 4)
    var all = [Int](repeating: 0, count: 4)
    var (length, referenceLength) = (0, 0)
    for (translation, own) in zip(translations, references) {
      length += translation.count
      referenceLength +=
        own.map(\.count).min { (abs($0 - translation.count), $0) < (abs($1 - translation.count), $1) } ?? 0
      for n in 1...4 {
        var most: [ArraySlice<String>: Int] = [:]
        for reference in own {
          most.merge(Self.counts(reference, n)) { max($0, $1) }
        }
        for (gram, count) in Self.counts(translation, n) {
          all[n - 1] += count
          right[n - 1] += min(count, most[gram] ?? 0)
        }
      }
    }
    counts = all
    precisions = zip(right, all).map { $1 > 0 ? Double($0) / Double($1) : 0 }
    brevityPenalty =
      length >= referenceLength ? 1 : length == 0 ? 0 : exp(1 - Double(referenceLength) / Double(length))
    (self.length, self.referenceLength) = (length, referenceLength)
  }

  private static func counts(_ tokens: [String], _ n: Int) -> [ArraySlice<String>: Int] {
    var counts: [ArraySlice<String>: Int] = [:]
    guard tokens.count >= n else { return counts }
    for first in 0...tokens.count - n { counts[tokens[first..<first + n], default: 0] += 1 }
    return counts
  }
}

/// chrF (Popović 2015): the F-score of n-grams of 1 to 6 characters, white space left out, recall counted twice as
/// precision; over the whole corpus.
///
///     chrF(translations, references: references)   // 0…100
public func chrF(_ translations: [String], references: [String], order: Int = 6, beta: Double = 2) -> Double {
  var (right, given, wanted) = (
    [Int](repeating: 0, count: order), [Int](repeating: 0, count: order),
    [Int](
      repeating: 0, count: order)
  )
  func counts(_ text: [Unicode.Scalar], _ n: Int) -> [ArraySlice<Unicode.Scalar>: Int] {
    var counts: [ArraySlice<Unicode.Scalar>: Int] = [:]
    guard text.count >= n else { return counts }
    for first in 0...text.count - n { counts[text[first..<first + n], default: 0] += 1 }
    return counts
  }
  for (translation, reference) in zip(translations, references) {
    let (a, b) = (
      translation.unicodeScalars.filter { !$0.properties.isWhitespace },
      reference.unicodeScalars.filter { !$0.properties.isWhitespace }
    )
    for n in 1...order {
      let (own, other) = (counts(Array(a), n), counts(Array(b), n))
      given[n - 1] += own.values.reduce(0, +)
      wanted[n - 1] += other.values.reduce(0, +)
      for (gram, count) in own { right[n - 1] += min(count, other[gram] ?? 0) }
    }
  }
  // Orders that neither side has are left out, as of very short texts.
  let used = (0..<order).filter { given[$0] > 0 && wanted[$0] > 0 }
  guard !used.isEmpty else { return 0 }
  let precision = used.reduce(0.0) { $0 + Double(right[$1]) / Double(given[$1]) } / Double(used.count)
  let recall = used.reduce(0.0) { $0 + Double(right[$1]) / Double(wanted[$1]) } / Double(used.count)
  guard precision + recall > 0 else { return 0 }
  return 100 * (1 + beta * beta) * precision * recall / (beta * beta * precision + recall)
}
