/// Different words with numbers from 0, compared byte by byte (a `String` would take words for equal that differ in how
/// an accent is written). All bytes stand in one array: a vocabulary is three blocks of memory, not one for each word.
struct WordTable: Sendable, Equatable {
  private var text: [UInt8] = []
  /// Where each word's bytes end; they begin where those of the word before end.
  private var ends: [Int] = []
  /// Open addressing: a word's number at its hash's place or the next free one behind it; -1 is free.
  private var slots = [Int32](repeating: -1, count: 64)

  /// A table of some words; those that are there twice count once.
  init(_ words: [String]) {
    for word in words {
      var word = word
      word.withUTF8 { _ = insert($0) }
    }
  }

  static func == (a: WordTable, b: WordTable) -> Bool { a.text == b.text && a.ends == b.ends }

  var count: Int { ends.count }

  func bytes(of word: Int) -> ArraySlice<UInt8> { text[(word == 0 ? 0 : ends[word - 1])..<ends[word]] }

  /// The number of a word, if it is there.
  func find(_ word: UnsafeBufferPointer<UInt8>) -> Int? {
    let number = slots[slot(of: word)]
    return number < 0 ? nil : Int(number)
  }

  /// The number of a word, which is put in if it is not there.
  mutating func insert(_ word: UnsafeBufferPointer<UInt8>) -> Int {
    let place = slot(of: word)
    if slots[place] >= 0 { return Int(slots[place]) }
    text.append(contentsOf: word)
    ends.append(text.count)
    slots[place] = Int32(ends.count - 1)
    if ends.count * 2 > slots.count { grow() }
    return ends.count - 1
  }

  /// Where a word stands among the slots, or where it would be put.
  private func slot(of word: UnsafeBufferPointer<UInt8>) -> Int {
    // Swift's hash has a secret of its own in each process: no text can be made that slows the search down.
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(word))
    var place = hasher.finalize() & (slots.count - 1)
    while slots[place] >= 0, !bytes(of: Int(slots[place])).elementsEqual(word) {
      place = (place + 1) & (slots.count - 1)
    }
    return place
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for number in 0..<count {
      let place = bytes(of: number).withUnsafeBufferPointer { slot(of: $0) }
      slots[place] = Int32(number)
    }
  }
}

/// Loops over the words of well-formed UTF-8.
enum WordScan {
  /// A piece of a text that is a token.
  enum Piece {
    /// Bytes between white space.
    case word(Range<Int>)
    /// "\n".
    case lineEnd
  }

  /// Calls `body` with each piece in order, until it returns false.
  @inline(__always)
  static func forEach(in bytes: UnsafeBufferPointer<UInt8>, _ body: (Piece) -> Bool) {
    var index = 0
    while index < bytes.count {
      let space = whiteSpace(in: bytes, at: index)
      if space > 0 {
        if bytes[index] == UInt8(ascii: "\n"), !body(.lineEnd) { return }
        index += space
        continue
      }
      let start = index
      repeat { index += 1 } while index < bytes.count && whiteSpace(in: bytes, at: index) == 0
      if !body(.word(start..<index)) { return }
    }
  }

  /// Number of tokens of a text.
  static func count(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    forEach(in: bytes) { _ in
      count += 1
      return true
    }
    return count
  }

  /// Why a string is no word; nil when it is one.
  static func fault(in word: String) -> String? {
    var word = word
    return word.withUTF8 { bytes in
      if bytes.isEmpty { return "is empty" }
      return bytes.indices.contains { whiteSpace(in: bytes, at: $0) > 0 } ? "holds white space" : nil
    }
  }

  /// Bytes of the white space character that begins at `index`; 0 when there is none. These are Unicode's characters
  /// with the property White_Space.
  @inline(__always)
  private static func whiteSpace(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    let first = bytes[index]
    if first < 0x80 { return first == 0x20 || (first >= 0x09 && first <= 0x0D) ? 1 : 0 }
    guard first == 0xC2 || (first >= 0xE1 && first <= 0xE3) else { return 0 }
    return longWhiteSpace(in: bytes, at: index)
  }

  private static func longWhiteSpace(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    func byte(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
    switch (bytes[index], byte(1), byte(2)) {
    case (0xC2, 0x85, _), (0xC2, 0xA0, _): return 2  // next line, no-break space
    case (0xE1, 0x9A, 0x80): return 3  // Ogham space
    // Spaces of all widths, line and paragraph separator, narrow no-break space.
    case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF): return 3
    case (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80): return 3  // mathematical and ideographic space
    default: return 0
    }
  }
}
