/// Loops over bytes that hold UTF-8: the first fault, the number of characters, the characters themselves.
///
/// Eight bytes at a time where the text is ASCII; a 200 MB file is looked at in a fraction of a second.
enum UTF8Scan {
  /// A place where bytes stop being text.
  struct Fault {
    /// Offset of the byte where the character that is none begins.
    var offset: Int
    /// What is wrong with it, as the end of the sentence "byte 0xC0 …".
    var reason: String
  }

  /// The first place that is not well-formed UTF-8, or that holds a NUL, which no text has; nil when all is text.
  static func firstFault(in bytes: UnsafeBufferPointer<UInt8>) -> Fault? {
    var index = 0
    while true {
      index = endOfASCII(in: bytes, from: index)
      guard index < bytes.count else { return nil }
      let length = sequenceLength(in: bytes, at: index)
      guard length > 0 else { return Fault(offset: index, reason: reason(in: bytes, at: index)) }
      index += length
    }
  }

  /// Number of characters in well-formed UTF-8.
  static func count(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    // Characters are the bytes that continue none (0b10xxxxxx). Without a branch, and in blocks whose sum fits a byte,
    // so that the compiler adds many at a time.
    var continuations = 0
    for start in stride(from: 0, to: bytes.count, by: 128) {
      var sum: UInt8 = 0
      for index in start..<min(start + 128, bytes.count) {
        sum &+= (bytes[index] &>> 7) & (~bytes[index] &>> 6)
      }
      continuations += Int(sum)
    }
    return bytes.count - continuations
  }

  /// Calls `body` with each character of well-formed UTF-8 until it returns false.
  ///
  /// - Returns: The offset of the character that stopped it; nil when none did.
  @inline(__always)
  static func firstStop(in bytes: UnsafeBufferPointer<UInt8>, body: (UInt32) -> Bool) -> Int? {
    var index = 0
    while index < bytes.count {
      let lead = UInt32(bytes[index])
      let start = index
      func next() -> UInt32 {
        index += 1
        return UInt32(bytes[index]) & 0x3F
      }
      let scalar: UInt32
      if lead < 0x80 {
        scalar = lead
      } else if lead < 0xE0 {
        scalar = (lead & 0x1F) << 6 | next()
      } else if lead < 0xF0 {
        scalar = (lead & 0x0F) << 12 | next() << 6 | next()
      } else {
        scalar = (lead & 0x07) << 18 | next() << 12 | next() << 6 | next()
      }
      index += 1
      if !body(scalar) { return start }
    }
    return nil
  }

  /// The first offset from `start` on that holds no ASCII character other than NUL.
  private static func endOfASCII(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    var index = start
    while index + 8 <= bytes.count {
      let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
      // A byte's top bit is set here when it was set before, or when one was subtracted from a NUL.
      if (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 != 0 { break }
      index += 8
    }
    while index < bytes.count, bytes[index] < 0x80, bytes[index] != 0 { index += 1 }
    return index
  }

  /// Bytes of the well-formed character of two or more bytes at `index`; 0 when there is none.
  @inline(__always)
  private static func sequenceLength(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    let (length, second) = form(ofLead: bytes[index])
    guard length > 0, index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    for follower in 2..<max(2, length) where bytes[index + follower] & 0xC0 != 0x80 { return 0 }
    return length
  }

  /// Bytes of a character that begins so; 0 when none does.
  static func length(ofLead lead: UInt8) -> Int { lead < 0x80 ? 1 : form(ofLead: lead).length }

  /// What a first byte asks for: the number of bytes, and what the second may be (Unicode, table 3-7). The narrower
  /// ranges keep out longer forms of shorter characters, surrogates, and numbers beyond U+10FFFF.
  @inline(__always)
  private static func form(ofLead lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>) {
    switch lead {
    case 0xC2...0xDF: (2, 0x80...0xBF)
    case 0xE0: (3, 0xA0...0xBF)
    case 0xED: (3, 0x80...0x9F)
    case 0xE1...0xEF: (3, 0x80...0xBF)
    case 0xF0: (4, 0x90...0xBF)
    case 0xF1...0xF3: (4, 0x80...0xBF)
    case 0xF4: (4, 0x80...0x8F)
    default: (0, 0...0)
    }
  }

  /// Why the byte at `index` begins no character.
  private static func reason(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> String {
    let lead = bytes[index]
    switch lead {
    case 0: return "is NUL, which no text has"
    case 0x80...0xBF: return "continues a character that did not begin"
    case 0xC0, 0xC1: return "begins a longer form of a shorter character"
    case 0xF5...0xFF: return "begins no character"
    default: break
    }
    let (length, second) = form(ofLead: lead)
    guard index + 1 < bytes.count else { return "begins a character that the end of the text cuts off" }
    let next = bytes[index + 1]
    if next & 0xC0 == 0x80, !second.contains(next) {
      switch lead {
      case 0xED: return "begins a surrogate, which is half a character of UTF-16"
      case 0xF4: return "begins a character beyond U+10FFFF"
      default: return "begins a longer form of a shorter character"
      }
    }
    let followers = bytes[(index + 1)...].prefix(length - 1).prefix { $0 & 0xC0 == 0x80 }.count
    return index + 1 + followers == bytes.count
      ? "begins a character that the end of the text cuts off"
      : "begins a character of \(length) bytes, but only \(followers) follow\(followers == 1 ? "s" : "")"
  }
}
