/// Counts pairs of neighbours in words, and merges the most frequent one again and again. Only the words that hold the
/// merged pair are looked at. Symbols are numbers here, a merge makes the next one.
struct PairMerges {
  /// A pair of symbols that become one.
  struct Pair: Hashable, Sendable {
    let first, second: Int32
  }

  /// What the symbols are called.
  private(set) var names: [String]
  private var words: [(symbols: [Int32], count: Int)]
  private var counts: [Pair: Int] = [:]
  /// Words that hold a pair, or held it once.
  private var places: [Pair: Set<Int>] = [:]

  /// Different words, and how often each occurs.
  init(names: [String], words: [(symbols: [Int32], count: Int)]) {
    self.names = names
    self.words = words
    for i in words.indices { count(i, by: 1) }
  }

  private mutating func count(_ word: Int, by sign: Int) {
    let (symbols, frequency) = words[word]
    for (first, second) in zip(symbols, symbols.dropFirst()) {
      let pair = Pair(first: first, second: second)
      counts[pair, default: 0] += sign * frequency
      if sign > 0 { places[pair, default: []].insert(word) }
    }
  }

  private func isBehind(_ a: Pair, _ b: Pair) -> Bool {
    func order(_ x: Int32, _ y: Int32) -> Bool? {
      let (x, y) = (names[Int(x)].unicodeScalars, names[Int(y)].unicodeScalars)
      return x.elementsEqual(y) ? nil : y.lexicographicallyPrecedes(x)
    }
    // Different symbols may have the same name: then the later one is behind.
    return order(a.first, b.first) ?? order(a.second, b.second) ?? ((a.first, a.second) > (b.first, b.second))
  }

  /// Merges the most frequent pair; nil when none occurs twice. Of equally frequent ones it is the one whose names come
  /// last.
  mutating func merge() -> Pair? {
    var best: (pair: Pair, count: Int)?
    for (pair, count) in counts where count >= 2 {
      if let known = best, count < known.count || (count == known.count && !isBehind(pair, known.pair)) { continue }
      best = (pair, count)
    }
    guard let pair = best?.pair else { return nil }
    names.append(names[Int(pair.first)] + names[Int(pair.second)])
    for word in places[pair] ?? [] {
      count(word, by: -1)
      words[word].symbols = Self.merged(words[word].symbols, pair, as: Int32(names.count - 1))
      count(word, by: 1)
    }
    counts[pair] = nil
    places[pair] = nil
    return pair
  }

  /// Symbols with a pair as one, at all places, from the left.
  static func merged(_ symbols: [Int32], _ pair: Pair, as symbol: Int32) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(symbols.count)
    var i = 0
    while i < symbols.count {
      let isPair = i + 1 < symbols.count && symbols[i] == pair.first && symbols[i + 1] == pair.second
      result.append(isPair ? symbol : symbols[i])
      i += isPair ? 2 : 1
    }
    return result
  }
}
