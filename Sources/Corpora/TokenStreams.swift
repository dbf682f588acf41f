import Interchange
import Tensors

/// Tokens as parallel streams that are read window by window, in order, as truncated backpropagation through time asks.
///
///     let streams = try TokenStreams(training: tokens, batch: 32, length: 128)
///     for index in 0..<streams.windowCount { learn(from: streams.window(index)) }
///
/// Each row of a batch reads a part of its own, from its beginning to its end, so that the state after a window is the
/// state before the next. At each step a row sees one token and is asked for the next one.
///
/// With two lengths k1 = ``step`` and k2 = ``length``, each window brings `k1` new steps and looks back over `k2`:
///
///     k1 = 2, k2 = 5          steps of a row    0 1 2 3 4 5 6 7 8
///     window 0                                  * *
///     window 1                                  . . * *              * asked for: its target counts
///     window 2                                    . . . * *          . only context: its target is -1
///     window 3                                        . . . * *
///     window 4, the last                                  . . . *
///
/// so that each target counts exactly once, and its error goes back over at least k2 - k1 + 1 steps (or to the
/// beginning of the row). When both are the same, windows follow each other without overlap.
public struct TokenStreams: Sendable {
  /// Steps that the gradient of a window goes back at most (k2).
  public let length: Int
  /// New steps in a window (k1).
  public let step: Int
  /// Number of windows.
  public let windowCount: Int
  /// Number of targets that count, over all windows.
  public let targetCount: Int
  /// Number of targets that are in no row: less than ``batch``, because training needs rows of one length.
  public let unusedCount: Int

  private let tokens: Tokens
  /// The first pair of each row and the number of them; pair i asks for token i + 1 after token i.
  private let rows: [(first: Int, count: Int)]

  /// Streams to train on: rows of the same length.
  ///
  /// The tokens are taken as a ring: a row that reaches their end goes on at their beginning, so that `offset` changes
  /// where rows begin and which few tokens are unused, but never the number of windows.
  ///
  /// - Parameters:
  ///   - batch: Number of rows.
  ///   - length: Steps that the gradient goes back (k2).
  ///   - step: New steps in a window (k1), at most `length`; nil for the same.
  ///   - offset: The token that the first row begins with, modulo their number.
  ///   - unit: What the tokens are, for messages.
  ///   - source: Where the tokens are from, for messages.
  /// - Throws: `.usage` when a number cannot be, or when a row would be shorter than `length`.
  public init(
    training tokens: Tokens, batch: Int, length: Int, step: Int? = nil, offset: Int = 0,
    unit: TokenUnit = .characters, source: String? = nil
  ) throws(UnrollError) {
    let step = step ?? length
    try Self.check(batch: batch, length: length, step: step)
    let pairs = max(0, tokens.count - 1)
    let count = pairs / batch
    guard count >= length else {
      var ways = count > 0 ? ["--length \(count) or less"] : []
      if pairs >= length { ways.append("--batch \(pairs / length) or less") }
      if ways.isEmpty { ways = ["a smaller --length and --batch"] }
      throw UnrollError(
        .usage,
        "the text is too short: \(batch) rows of \(length) steps need \(Self.product(batch, length)) \(unit), "
          + "and the part to train on has \(tokens.count)",
        at: source, hint: (ways + ["a longer text"]).joined(separator: ", or "))
    }
    let start = ((offset % pairs) + pairs) % pairs
    self.init(
      tokens: tokens, rows: (0..<batch).map { (first: (start + $0 * count) % pairs, count: count) }, length: length,
      step: step)
  }

  /// Streams to measure with: every token but the first is asked for exactly once.
  ///
  /// The rows share the text evenly: the first ones are one step longer when it does not divide. Each begins without
  /// context, so that one row gives the exact loss of the text, and many rows a slightly higher one, many times faster.
  ///
  /// - Parameters:
  ///   - batch: Number of rows; fewer for a text so short that they would not fill a window.
  ///   - length: Steps in a window.
  ///   - source: Where the tokens are from, for messages.
  /// - Throws: `.usage` when a number cannot be; `.invalidData` for fewer than two tokens.
  public init(
    scoring tokens: Tokens, batch: Int, length: Int, source: String? = nil
  ) throws(UnrollError) {
    try Self.check(batch: batch, length: length, step: length)
    guard tokens.count > 1 else {
      throw UnrollError(
        .invalidData, "the text is too short to measure with: the first token is given, and there is no second",
        at: source, hint: "give a longer text")
    }
    let pairs = tokens.count - 1
    let batch = min(batch, max(1, pairs / length))
    let (count, longer) = (pairs / batch, pairs % batch)
    let rows = (0..<batch).map { row in
      (first: row * count + min(row, longer), count: count + (row < longer ? 1 : 0))
    }
    let length = min(length, rows[0].count)
    self.init(tokens: tokens, rows: rows, length: length, step: length)
  }

  private init(tokens: Tokens, rows: [(first: Int, count: Int)], length: Int, step: Int) {
    self.tokens = tokens
    self.rows = rows
    self.length = length
    self.step = step
    windowCount = (rows[0].count - 1) / step + 1
    targetCount = rows.reduce(0) { $0 + $1.count }
    unusedCount = tokens.count - 1 - targetCount
  }

  /// Number of rows.
  public var batch: Int { rows.count }

  /// The streams for an epoch of training: as they are for epoch 0, and with an own offset for each later one, so that
  /// rows do not begin, and windows are not cut, at the same places every time. Depends on seed and epoch alone.
  public func epoch(_ epoch: Int, seed: UInt64) -> TokenStreams {
    demand(epoch >= 0, "epoch \(epoch)")
    guard epoch > 0 else { return self }
    let pairs = tokens.count - 1
    var random = RandomSource(seed: seed, stream: UInt64(epoch))
    let offset = random.integer(below: min(pairs, Int(UInt32.max)))
    return TokenStreams(
      tokens: tokens, rows: rows.map { (first: ($0.first + offset) % pairs, count: $0.count) }, length: length,
      step: step)
  }

  /// A window. Traps outside 0..<windowCount.
  public func window(_ index: Int) -> TokenWindow {
    demand(index >= 0 && index < windowCount, "window \(index) of \(windowCount)")
    let begin = self.begin(of: index)
    let fresh = index * step
    let end = min(fresh + step, rows[0].count)
    let time = end - begin
    let lengths = rows.map { max(0, min(end, $0.count) - begin) }
    var inputs = [Int32](repeating: 0, count: time * batch)
    var targets = [Int32](repeating: -1, count: time * batch)
    let pairs = tokens.count - 1
    for (row, part) in rows.enumerated() {
      var pair = (part.first + begin) % pairs
      for t in 0..<lengths[row] {
        inputs[t * batch + row] = tokens[pair]
        if begin + t >= fresh { targets[t * batch + row] = tokens[pair + 1] }
        pair = pair + 1 == pairs ? 0 : pair + 1
      }
    }
    let carry = index + 1 < windowCount ? self.begin(of: index + 1) - begin : time
    return TokenWindow(
      inputs: inputs, targets: targets, time: time, lengths: lengths, carry: carry,
      targetCount: rows.reduce(0) { $0 + max(0, min(end, $1.count) - fresh) })
  }

  /// The first step of a window.
  private func begin(of index: Int) -> Int { max(0, (index + 1) * step - length) }

  private static func check(batch: Int, length: Int, step: Int) throws(UnrollError) {
    guard batch > 0 else { throw UnrollError(.usage, "--batch is \(batch), and must be at least 1") }
    guard length > 0 else { throw UnrollError(.usage, "--length is \(length), and must be at least 1") }
    guard step > 0, step <= length else {
      throw UnrollError(.usage, "--step is \(step), and must be at least 1 and at most --length, \(length)")
    }
  }

  /// A product for a message, which an impossible flag may make too large to compute.
  private static func product(_ a: Int, _ b: Int) -> String {
    let (value, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? "\(a) · \(b)" : "\(value + 1)"
  }
}

/// Some time steps of all rows of ``TokenStreams``.
public struct TokenWindow: Sendable, Hashable {
  /// What the model sees, [time × batch], time step by time step; 0 behind a row's length.
  public let inputs: [Int32]
  /// What it is asked for, [time × batch]; -1 for context that counted before, and behind a row's length.
  public let targets: [Int32]
  /// Number of time steps.
  public let time: Int
  /// Time steps of each row, [batch]; all are `time` in training, the last window of a measurement has shorter ones.
  public let lengths: [Int]
  /// Steps from here to the next window's beginning: the state after so many steps is the one to begin it with. 0 when
  /// it begins where this one did, `time` in the last window.
  public let carry: Int
  /// Number of targets that are not -1.
  public let targetCount: Int

  /// Number of rows.
  public var batch: Int { lengths.count }
}
